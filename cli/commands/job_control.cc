// Again, go on, no more. What a router has been sent can't be called back, so these commands say in
// numbers how much of what was wanted came about.
#include "cli/commands/job_control.h"

#include "absl/strings/str_cat.h"
#include "cli/commands/job_report.h"
#include "cli/commands/job_run.h"
#include "cli/commands/job_watch.h"
#include "cli/commands/names.h"
#include "cli/commands/wave_flags.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/job_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Job;
using muster::v1::JobService;

// What can still be done about what runs.
void NoteRunning(Session& session, int stopping, int refused) {
  if (stopping > 0) {
    session.Note(absl::StrCat("told ", stopping, stopping == 1 ? " router" : " routers",
                              " to stop it, which they do with their next beat; what the script "
                              "had done until then stays"));
  }
  if (refused > 0 && !session.Switch("running")) {
    session.Note("where a router has it, it goes on; --running stops it there too");
  }
}

ExitCode CancelCode(int cancelled, int stopping, int refused) {
  if (cancelled + stopping == 0) return ExitCode::kFailed;
  return refused == 0 ? ExitCode::kDone : ExitCode::kPartlyFailed;
}

Outcome CancelJob(Session& session) {
  ASSIGN_OR_RETURN(const std::string name,
                   NameInOrganization(session, "jobs", session.Text("JOB")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  // For the question: how many devices this is about.
  ASSIGN_OR_RETURN(const Job job, FetchJob(session, name));
  RETURN_IF_ERROR(session.Confirm(
      job.target_count(),
      absl::StrCat("This will cancel the job on ", job.target_count(),
                   session.Switch("running") ? " devices, and stop it where it runs."
                                             : " devices, where it was not sent yet.")));
  const auto stub = JobService::NewStub(connection->channel());
  muster::v1::CancelJobRequest request;
  request.set_name(name);
  request.set_stop_running(session.Switch("running"));
  request.set_request_id(connection->request_id());
  muster::v1::CancelJobResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CancelJob(context, request, &response);
  }));
  const int touched = response.cancelled_count() + response.stopping_count();
  if (touched == 0 && response.refused_count() == 0) {
    session.Note(absl::StrCat("job ", ShortName(name), " has ended; there was nothing to cancel"));
    return ExitCode::kFailed;
  }
  // Three numbers, since none of them follows from the others while a job runs.
  session.Note(absl::StrCat("cancelled on ", response.cancelled_count(), ", too late on ",
                            response.refused_count(), " of ", job.target_count(), " devices"));
  NoteRunning(session, response.stopping_count(), response.refused_count());
  const std::vector<Job> jobs = {response.job()};
  Report report = JobListReport(jobs, session.now());
  report.is_list = false;
  RETURN_IF_ERROR(session.Show(report).status());
  return CancelCode(response.cancelled_count(), response.stopping_count(),
                    response.refused_count());
}

// What one device has not been sent yet.
// One device, so nobody is asked.
Outcome CancelOnDevice(Session& session) {
  muster::v1::CancelDeviceJobsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_device(), FindDevice(session, session.Text("device")));
  if (session.Has("JOB")) {
    ASSIGN_OR_RETURN(*request.mutable_job(),
                     NameInOrganization(session, "jobs", session.Text("JOB")));
  }
  request.set_only_held(session.Switch("held"));
  request.set_stop_running(session.Switch("running"));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = JobService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::CancelDeviceJobsResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CancelDeviceJobs(context, request, &response);
  }));
  session.Note(absl::StrCat("cancelled ", response.cancelled_count(), " jobs of device ",
                            ShortName(request.device()), ", too late for ",
                            response.refused_count()));
  NoteRunning(session, response.stopping_count(), response.refused_count());
  return CancelCode(response.cancelled_count(), response.stopping_count(),
                    response.refused_count());
}

Outcome Cancel(Session& session) {
  if (session.Switch("held") && session.Switch("running")) {
    return absl::InvalidArgumentError(
        "give one of --held and --running: what is held does not run");
  }
  if (session.Has("device")) return CancelOnDevice(session);
  if (!session.Has("JOB")) return absl::InvalidArgumentError("give a JOB, or --device, or both");
  if (session.Switch("held")) {
    // A job that is held on many devices is let go or cancelled as a whole; on one device the
    // choice can be finer.
    return absl::InvalidArgumentError("--held goes with --device; it cancels what is held there");
  }
  return CancelJob(session);
}

Outcome Release(Session& session) {
  // Both would be ambiguous (this job on that device?), and a hold is the device's, not a job's.
  if (session.Has("JOB") == session.Has("device")) {
    return absl::InvalidArgumentError("give exactly one of JOB and --device");
  }
  muster::v1::ReleaseJobsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  if (session.Has("device")) {
    ASSIGN_OR_RETURN(*request.mutable_device(), FindDevice(session, session.Text("device")));
  } else {
    ASSIGN_OR_RETURN(*request.mutable_job(),
                     NameInOrganization(session, "jobs", session.Text("JOB")));
    ASSIGN_OR_RETURN(const Job job, FetchJob(session, request.job()));
    // As the job counts its held targets; their devices' other held jobs go on too, as the question
    // says.
    int held = 0;
    for (const auto& count : job.state_counts()) {
      if (count.state() == muster::v1::JOB_TARGET_STATE_HELD) held = count.count();
    }
    RETURN_IF_ERROR(session.Confirm(
        held, absl::StrCat("This will let all held jobs of ", held, " devices go on.")));
  }
  const auto stub = JobService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::ReleaseJobsResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->ReleaseJobs(context, request, &response);
  }));
  if (response.device_count() == 0) {
    session.Note("nothing is held there");
    return ExitCode::kFailed;
  }
  session.Note(absl::StrCat(response.target_count(), " jobs go on, on ", response.device_count(),
                            response.device_count() == 1 ? " device" : " devices"));
  return ExitCode::kDone;
}

absl::StatusOr<Job> CallRerun(Session& session, muster::v1::RerunJobRequest request,
                              bool validate_only) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = JobService::NewStub(connection->channel());
  // Where nothing is asked to be done, nothing "may or may not have been done".
  const CallKind kind = validate_only ? CallKind::kRead : CallKind::kWrite;
  request.set_validate_only(validate_only);
  // The check needs no id: nothing happens that could happen twice.
  if (!validate_only) request.set_request_id(connection->request_id());
  muster::v1::RerunJobResponse response;
  RETURN_IF_ERROR(connection->Call(kind, [&](grpc::ClientContext* context) {
    return stub->RerunJob(context, request, &response);
  }));
  return response.job();
}

Outcome Rerun(Session& session) {
  muster::v1::RerunJobRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(),
                   NameInOrganization(session, "jobs", session.Text("JOB")));
  request.set_failed(session.Switch("failed"));
  request.set_not_started(session.Switch("not-started"));
  RETURN_IF_ERROR(FillWaves(session, &request));
  ASSIGN_OR_RETURN(const auto expires, session.Duration("expires"));
  // Counted from when it was asked for, so that a repetition says the same.
  if (expires.has_value())
    *request.mutable_not_after() = ToTimestamp(session.asked_at() + *expires);
  // Always checked first, also without --dry-run: only the server knows on which devices it failed,
  // and the question wants their number.
  ASSIGN_OR_RETURN(const Job checked, CallRerun(session, request, true));
  if (session.Switch("dry-run")) return ShowDryRun(session, checked);
  RETURN_IF_ERROR(session.Confirm(
      checked.target_count(),
      absl::StrCat("This will run the job again on ", checked.target_count(), " devices.")));
  ASSIGN_OR_RETURN(const Job job, CallRerun(session, std::move(request), false));
  return session.Switch("wait") ? WaitAndShow(session, job) : ShowCreated(session, job);
}

Command CancelCommand() {
  Command cancel;
  cancel.noun = "job";
  cancel.verb = "cancel";
  cancel.summary = "Cancel a job where it has not been sent yet, or stop it where it runs";
  cancel.positionals = {{"JOB", "id from: muster job list", false}};
  cancel.flags = {{"device", "DEVICE", "only on this device; without JOB: all its jobs"},
                  {"held", "", "with --device: only jobs that wait for an operator"},
                  {"running", "", "also stop it on routers that have it"},
                  {"yes", "", "don't ask where more than one device is touched"}};
  cancel.examples =
      "  muster job cancel 3f8k2m9x0c1va\n"
      "  muster job cancel 3f8k2m9x0c1va --device riga-core\n"
      "  muster job cancel 3f8k2m9x0c1va --running --yes\n"
      "  muster job cancel --device riga-core --held";
  cancel.writes = true;
  cancel.run = Cancel;
  return cancel;
}

Command ReleaseCommand() {
  Command release;
  release.noun = "job";
  release.verb = "release";
  release.summary = "Let jobs go on that wait for an operator (state held)";
  release.positionals = {{"JOB", "all devices on which it is held", false}};
  release.flags = {{"device", "DEVICE", "all held jobs of this device"},
                   {"yes", "", "don't ask where more than one device is touched"}};
  release.examples =
      "  muster job list --held\n"
      "  muster job release --device riga-core\n"
      "  muster job release 3f8k2m9x0c1va --yes";
  release.writes = true;
  release.run = Release;
  return release;
}

}  // namespace

std::vector<Command> JobControlCommands() {
  Command rerun;
  rerun.noun = "job";
  rerun.verb = "rerun";
  rerun.summary = "Run a job again on all of its devices, or on those where it failed";
  rerun.positionals = {{"JOB", "id from: muster job list"}};
  rerun.flags = {{"failed", "", "only where it failed, was lost, reverted or expired"},
                 {"not-started", "", "only where it was cancelled before it was sent"}};
  for (Flag& flag : WaveFlags()) rerun.flags.push_back(std::move(flag));
  rerun.flags.push_back({"expires", "TIME", "not started on a router after this time [as before]"});
  rerun.flags.push_back({"wait", "", "wait for the end and show the results"});
  rerun.flags.push_back({"dry-run", "", "check everything and count the devices, do nothing"});
  rerun.flags.push_back({"yes", "", "don't ask where more than one device is touched"});
  rerun.examples =
      "  muster job rerun 3f8k2m9x0c1va --failed --wait\n"
      "  muster job rerun 3f8k2m9x0c1va --failed --not-started --canary 1 --batch 50 --yes";
  rerun.writes = true;
  rerun.run = Rerun;
  return {rerun, CancelCommand(), ReleaseCommand()};
}

}  // namespace muster::cli
