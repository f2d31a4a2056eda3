// Asks for everything that can be asked before a script goes to routers, in the order in which
// mistakes are cheap: flags, the script, the devices, a question, and the call at last.
#include "cli/commands/job_run.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/job_dry_run.h"
#include "cli/commands/job_report.h"
#include "cli/commands/job_watch.h"
#include "cli/commands/named_devices.h"
#include "cli/commands/names.h"
#include "cli/commands/script_file.h"
#include "cli/commands/wave_flags.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "muster/v1/job_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::CreateJobRequest;
using muster::v1::Job;

// As the server counts it from the creation.
// For --not-before without --expires: the server would count a day from now, and a job for next
// week would be over before it begins.
constexpr absl::Duration kDefaultLife = absl::Hours(24);

// The text, or the name in the library.
absl::Status SetScript(Session& session, CreateJobRequest* request) {
  // Two of them would leave open which one runs.
  const int ways = int{session.Has("script")} + int{session.Has("script-file")} +
                   int{session.Has("script-name")};
  if (ways != 1) {
    return absl::InvalidArgumentError(
        "give exactly one of --script, --script-file and --script-name");
  }
  if (session.Has("script-name")) {
    ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
    request->set_script_name(
        absl::StrCat(organization, "/scripts/", ShortName(session.Text("script-name"))));
  } else if (session.Has("script")) {
    ASSIGN_OR_RETURN(*request->mutable_script(), CheckScriptText(session.Text("script")));
  } else {
    ASSIGN_OR_RETURN(*request->mutable_script(),
                     ReadScriptFile(session, "script-file", session.Text("script-file")));
  }
  return absl::OkStatus();
}

absl::Status SetTimes(Session& session, CreateJobRequest* request) {
  // Counted from asked_at, as the rest: a repetition must say the same.
  ASSIGN_OR_RETURN(const auto begin, session.Moment("not-before"));
  if (begin.has_value()) *request->mutable_not_before() = ToTimestamp(*begin);
  ASSIGN_OR_RETURN(const auto expires, session.Duration("expires"));
  if (expires.has_value()) {
    *request->mutable_not_after() = ToTimestamp(session.asked_at() + *expires);
  } else if (begin.has_value()) {
    *request->mutable_not_after() = ToTimestamp(*begin + kDefaultLife);
  }
  ASSIGN_OR_RETURN(const auto timeout, session.Duration("timeout"));
  if (timeout.has_value()) *request->mutable_timeout() = ToDurationMessage(*timeout);
  return absl::OkStatus();
}

// All but the devices.
absl::StatusOr<CreateJobRequest> MakeRequest(Session& session) {
  CreateJobRequest request;
  RETURN_IF_ERROR(SetScript(session, &request));
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_description(session.Text("description"));
  request.set_idempotent(session.Switch("idempotent"));
  request.set_ignore_windows(session.Switch("ignore-windows"));
  RETURN_IF_ERROR(SetTimes(session, &request));
  RETURN_IF_ERROR(FillWaves(session, &request));
  if (session.Has("ends-with")) {
    if (session.Text("ends-with") != "reboot" && session.Text("ends-with") != "result") {
      return absl::InvalidArgumentError(
          absl::StrCat("--ends-with: \"", session.Text("ends-with"), "\"; wants reboot or result"));
    }
    request.set_ends_with(session.Text("ends-with") == "reboot" ? muster::v1::JOB_END_REBOOT
                                                                : muster::v1::JOB_END_RESULT);
  }
  return request;
}

// The devices that a file or stdin names.
absl::Status ChooseNamed(Session& session, CreateJobRequest* request) {
  const std::string path = session.Text("devices");
  // Whichever reads first leaves nothing for the other.
  if (path == "-" && session.Text("script-file") == "-") {
    return absl::InvalidArgumentError("--devices and --script-file can't both read stdin");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ReadDeviceNames(session, path));
  request->mutable_devices()->Add(names.begin(), names.end());
  if (session.Switch("dry-run")) return absl::OkStatus();
  const auto count = static_cast<int64_t>(names.size());
  return session.Confirm(count, absl::StrCat("This will run the script on ", count, " devices."));
}

// Fills in the devices and shows, counts and asks.
absl::Status ChooseDevices(Session& session, CreateJobRequest* request) {
  const int ways =
      int{session.Has("device")} + int{session.Has("where")} + int{session.Has("devices")};
  if (ways != 1) {
    return absl::InvalidArgumentError("give exactly one of --device, --devices and --where");
  }
  if (session.Has("devices")) return ChooseNamed(session, request);
  // One device, named: no question.
  if (session.Has("device")) {
    ASSIGN_OR_RETURN(*request->mutable_device(), FindDevice(session, session.Text("device")));
    return absl::OkStatus();
  }
  request->set_filter(session.Text("where"));
  // An empty variable in a script must not mean the whole fleet.
  if (absl::StripAsciiWhitespace(request->filter()).empty()) {
    return absl::InvalidArgumentError(
        "--where is empty; for all devices say: --where 'name = \"*\"'");
  }
  // Shown before the question. The server freezes what matches when the job is made, which may be a
  // few more or fewer.
  ASSIGN_OR_RETURN(const Matches matches, FindMatches(session, request->filter()));
  ShowMatches(session, matches);
  if (session.Switch("dry-run")) return absl::OkStatus();
  if (matches.count == 1 && !session.Switch("yes")) {
    // Nobody was asked, so it must stay this one, whatever matches a moment later.
    request->clear_filter();
    request->set_device(matches.first.front().name());
  }
  return session.Confirm(matches.count,
                         absl::StrCat("This will run the script on ", matches.count, " devices."));
}

absl::StatusOr<Job> CreateJob(Session& session, CreateJobRequest request) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::JobService::NewStub(connection->channel());
  request.set_validate_only(session.Switch("dry-run"));
  if (!request.validate_only()) request.set_request_id(connection->request_id());
  muster::v1::CreateJobResponse response;
  // Where nothing is asked to be done, nothing "may or may not have been done".
  const CallKind kind = request.validate_only() ? CallKind::kRead : CallKind::kWrite;
  const absl::Status created = connection->Call(kind, [&](grpc::ClientContext* context) {
    return stub->CreateJob(context, request, &response);
  });
  // The server names a field of the API; here it is a flag.
  if (absl::IsInvalidArgument(created) && absl::StrContains(created.message(), "ends_with")) {
    return absl::InvalidArgumentError(absl::StrCat(
        std::string(created.message()), "\nHere: --ends-with reboot, or --ends-with result"));
  }
  RETURN_IF_ERROR(created);
  return response.job();
}

// Everything that is found is shown, also where the server would refuse the job.
Outcome DryRunOf(Session& session, const CreateJobRequest& request) {
  const absl::StatusOr<Job> job = CreateJob(session, request);
  const bool is_judged =
      job.ok() || absl::IsInvalidArgument(job.status()) || absl::IsFailedPrecondition(job.status());
  if (!is_judged) return job.status();
  return ShowScriptCheck(session, request, job);
}

Outcome Run(Session& session) {
  ASSIGN_OR_RETURN(CreateJobRequest request, MakeRequest(session));
  RETURN_IF_ERROR(ChooseDevices(session, &request));
  if (session.Switch("dry-run")) return DryRunOf(session, request);
  ASSIGN_OR_RETURN(const Job job, CreateJob(session, request));
  if (session.Switch("wait")) return WaitAndShow(session, job);
  return ShowCreated(session, job);
}

}  // namespace

Outcome ShowDryRun(Session& session, const Job& job) {
  session.Note(absl::StrCat("dry run: the script would go to ", job.target_count(),
                            job.target_count() == 1 ? " device" : " devices",
                            "; nothing was done"));
  if (session.format() != Format::kJson && session.format() != Format::kYaml)
    return ExitCode::kDone;
  Report report;
  report.messages = {&job};
  return session.Show(report);
}

// Exit code 0 says that the job is there, not that it will succeed: that is --wait.
Outcome ShowCreated(Session& session, const Job& job) {
  session.Note(absl::StrCat("job ", ShortName(job.name()), " on ", job.target_count(),
                            job.target_count() == 1 ? " device" : " devices",
                            "; follow it with: muster job watch ", ShortName(job.name())));
  const std::vector<Job> jobs = {job};
  Report report = JobListReport(jobs, session.now());
  report.is_list = false;
  return session.Show(report);
}

Outcome WaitAndShow(Session& session, const Job& job) {
  session.Note(absl::StrCat("job ", ShortName(job.name()), " on ", job.target_count(),
                            job.target_count() == 1 ? " device" : " devices",
                            "; it goes on if you stop waiting"));
  // Ctrl-C ends the waiting only, as the note above says.
  ASSIGN_OR_RETURN(const WatchedJob watched, FollowJobWithProgress(session, job.name()));
  std::vector<muster::v1::JobTarget> targets;
  for (const auto& [name, target] : watched.targets) targets.push_back(target);
  SortByTitle(&targets);
  const bool for_people = session.format() == Format::kTable || session.format() == Format::kWide;
  // One device: what it printed is what was asked for, whole and not in a cell.
  Report report = for_people && targets.size() == 1
                      ? TargetDetailReport(targets.front(), session.now())
                      : TargetListReport(targets, session.now());
  report.names = {job.name()};
  ASSIGN_OR_RETURN(const ExitCode shown, session.Show(report));
  // How the job ended says more than that it could be shown.
  static_cast<void>(shown);
  return ExitCodeOf(watched.job);
}

Command JobRunCommand() {
  Command run;
  run.noun = "job";
  run.verb = "run";
  run.summary = "Run a RouterOS script on one device or on all that match a filter";
  run.flags = {{"device", "DEVICE", "id, display name or identity"},
               {"where", "FILTER", "every device that matches; docs/filter.md has the language"},
               {"devices", "FILE", "the devices that FILE names, one a line; - reads stdin"},
               {"script", "TEXT", "RouterOS script"},
               {"script-file", "FILE", "file with the script; - reads stdin"},
               {"script-name", "NAME", "script of the library; see: muster script list"},
               {"wait", "", "wait for the end and show the results"},
               {"not-before", "TIME", "not started before: 2h, or 2026-12-01T02:00:00+02:00"},
               {"expires", "TIME", "not started on a router after this time [24h]"},
               {"timeout", "TIME", "how long it may run on a router [5m]"},
               {"idempotent", "", "may be started again where its outcome was lost"},
               {"ignore-windows", "", "start outside of maintenance windows too (admins only)"},
               {"ends-with", "reboot|result",
                "reboot: the script ends with one, success is the boot after it"},
               {"description", "TEXT", "what it is for, for people"},
               {"dry-run", "", "check everything, show devices and findings, do nothing"},
               {"trees", "DIR", "with --dry-run: console trees to check commands against"},
               {"yes", "", "don't ask where more than one device is touched"}};
  const std::vector<Flag> waves = WaveFlags();
  // Among what is asked most; --wait and what is rarer stands below them in the help.
  run.flags.insert(run.flags.begin() + 5, waves.begin(), waves.end());
  run.examples =
      "  muster job run --device riga-core --script '/system/resource/print' --wait\n"
      "  muster job run --where 'site = \"riga\"' --script-file ntp.rsc --dry-run\n"
      "  muster job run --where 'name:*' --script-file ntp.rsc --dry-run --trees routeros-trees\n"
      "  muster job run --where 'online = true' --script-file ntp.rsc --canary 2 --batch 50 "
      "--max-fail 1 --wait\n"
      "  sort riga.txt | muster job run --devices - --script-file ntp.rsc --not-before 2h --yes\n"
      "  muster job run --device riga-core --script '/system/reboot' --ends-with reboot --wait";
  run.writes = true;
  run.run = Run;
  return run;
}

}  // namespace muster::cli
