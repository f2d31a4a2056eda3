// Looking at jobs: the list, one of them, and following it. What makes or changes one is in job_run
// and job_control.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/job_control.h"
#include "cli/commands/job_report.h"
#include "cli/commands/job_run.h"
#include "cli/commands/job_watch.h"
#include "cli/commands/names.h"
#include "cli/output/structured.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "muster/v1/job_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Job;
using muster::v1::JobService;
using muster::v1::JobTarget;

// Newest first, so these are the ones that somebody asks about.
constexpr int64_t kDefaultLimit = 100;

absl::Status Narrow(Session& session, muster::v1::ListJobsRequest* request) {
  if (session.Has("device")) {
    ASSIGN_OR_RETURN(*request->mutable_device(), FindDevice(session, session.Text("device")));
  }
  // The server narrows: all of these together are "and".
  request->set_only_open(session.Switch("open"));
  request->set_only_failed(session.Switch("failed"));
  request->set_only_held(session.Switch("held"));
  ASSIGN_OR_RETURN(const auto since, session.Duration("since"));
  // Backwards: --since 24h is what was created within the last day.
  if (since.has_value()) *request->mutable_created_after() = ToTimestamp(session.now() - *since);
  return absl::OkStatus();
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto given_limit, session.Number("limit", 0, 100'000'000));
  const auto limit = static_cast<size_t>(given_limit.value_or(kDefaultLimit));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = JobService::NewStub(connection->channel());
  std::vector<Job> jobs;
  muster::v1::ListJobsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  RETURN_IF_ERROR(Narrow(session, &request));
  request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<size_t>(limit, 1000)));
  do {
    muster::v1::ListJobsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListJobs(context, request, &response);
    }));
    jobs.insert(jobs.end(), response.jobs().begin(), response.jobs().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && (limit == 0 || jobs.size() < limit));
  // The last page may have brought more than were asked for.
  if (limit > 0 && jobs.size() > limit) jobs.resize(limit);
  if (!request.page_token().empty()) {
    session.Note(absl::StrCat("the newest ", jobs.size(), " jobs; --limit 0 shows all"));
  }
  return session.Show(JobListReport(jobs, session.now()));
}

// All of them, for the table is sorted by title, which the server does not: it lists by device id.
absl::StatusOr<std::vector<JobTarget>> FetchTargets(Connection* connection,
                                                    const std::string& name) {
  const auto stub = JobService::NewStub(connection->channel());
  std::vector<JobTarget> targets;
  muster::v1::ListJobTargetsRequest request;
  request.set_parent(name);
  request.set_page_size(1000);
  do {
    muster::v1::ListJobTargetsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListJobTargets(context, request, &response);
    }));
    targets.insert(targets.end(), response.targets().begin(), response.targets().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  SortByTitle(&targets);
  return targets;
}

// One device's part of the job, with its whole output.
Outcome ShowTarget(Session& session, const std::string& job,
                   const std::vector<JobTarget>& targets) {
  ASSIGN_OR_RETURN(const std::string device, FindDevice(session, session.Text("device")));
  // Looked for in what was fetched anyway; a job of 20,000 targets is 20 pages.
  for (const JobTarget& target : targets) {
    if (target.device() == device) return session.Show(TargetDetailReport(target, session.now()));
  }
  // Both exist, so this is not about either of them.
  return absl::NotFoundError(absl::StrCat("job ", ShortName(job), " was not for device ",
                                          ShortName(device), "; see: muster job get ",
                                          ShortName(job), " --targets"));
}

Outcome Get(Session& session) {
  ASSIGN_OR_RETURN(const std::string name,
                   NameInOrganization(session, "jobs", session.Text("JOB")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  // The job first: one that isn't there is said by its own name.
  ASSIGN_OR_RETURN(const Job job, FetchJob(session, name));
  ASSIGN_OR_RETURN(std::vector<JobTarget> targets, FetchTargets(connection, name));
  if (session.Has("device")) return ShowTarget(session, name, targets);
  if (session.Switch("failed")) {
    std::erase_if(targets, [](const JobTarget& target) { return !HasFailed(target.state()); });
  }
  Report report = TargetListReport(targets, session.now());
  if (session.Switch("targets")) return session.Show(report);
  // Of 300 failures one wants to know first how many kinds there are.
  Table failures = FailureTable(targets);
  if (!failures.rows.empty() && targets.size() > 1) {
    report.tables.insert(report.tables.begin(), std::move(failures));
  }
  report.tables.insert(report.tables.begin(), JobDetailTable(job, session.now()));
  report.names = {job.name()};
  report.messages = {&job};
  report.is_list = false;
  // Empty for viewers, and for agent upgrades.
  if (!job.script().empty()) report.text = absl::StrCat("Script\n", job.script());
  return session.Show(report);
}

Outcome Watch(Session& session) {
  ASSIGN_OR_RETURN(const std::string name,
                   NameInOrganization(session, "jobs", session.Text("JOB")));
  const Console& console = session.console();
  // JSON a line each, so that a reader need not wait for the end of an array that comes in an hour.
  const bool as_json = session.format() == Format::kJson;
  // YAML and CSV have no form for something that grows; JSON lines have.
  if (session.format_given() && !as_json && session.format() != Format::kTable &&
      session.format() != Format::kWide) {
    return absl::InvalidArgumentError(
        "--output: job watch writes lines of text, or of JSON with -o json");
  }
  ASSIGN_OR_RETURN(const WatchedJob watched,
                   FollowJob(
                       session, name,
                       [&](const JobTarget& target) {
                         if (as_json) {
                           *console.out << JsonLine(target).value_or("{}") << std::endl;
                         } else {
                           *console.out << CleanText(TargetLine(target)) << std::endl;
                         }
                       },
                       [](const Job&) {}));
  // The exit code says the same in a number.
  NoteOutcome(session, watched.job);
  return ExitCodeOf(watched.job);
}

Command ListCommand() {
  Command list;
  list.noun = "job";
  list.verb = "list";
  list.summary = "List jobs, newest first";
  list.flags = {{"device", "DEVICE", "only jobs for this device"},
                {"open", "", "only jobs that have not ended"},
                {"failed", "", "only jobs that failed, were lost or expired on a device"},
                {"held", "", "only jobs that wait for an operator on a device"},
                {"since", "TIME", "only jobs created within this time"},
                {"limit", "N", "show at most so many, 0: all [100]"}};
  list.examples =
      "  muster job list\n"
      "  muster job list --open --device riga-core\n"
      "  muster job list --failed --since 24h -o name";
  list.run = List;
  return list;
}

Command GetCommand() {
  Command get;
  get.noun = "job";
  get.verb = "get";
  get.summary = "Show a job with what it did on each device";
  get.positionals = {{"JOB", "id from: muster job list"}};
  get.flags = {{"targets", "", "only the list of its devices (-o json: an array of them)"},
               {"failed", "", "of its devices only those where it failed, was lost or expired"},
               {"device", "DEVICE", "only this device, with its whole output"}};
  get.examples =
      "  muster job get 3f8k2m9x0c1va\n"
      "  muster job get 3f8k2m9x0c1va --device riga-core\n"
      "  muster job get 3f8k2m9x0c1va --failed --targets -o name\n"
      "  muster job get 3f8k2m9x0c1va --targets -o csv";
  get.run = Get;
  return get;
}

}  // namespace

std::vector<Command> JobCommands() {
  Command watch;
  watch.noun = "job";
  watch.verb = "watch";
  watch.summary = "Follow a job to its end, a line for each change";
  watch.positionals = {{"JOB", "id from: muster job list"}};
  watch.examples = "  muster job watch 3f8k2m9x0c1va\n  muster job watch 3f8k2m9x0c1va -o json";
  watch.run = Watch;
  std::vector<Command> all = {JobRunCommand(), ListCommand(), GetCommand(), watch};
  for (Command& command : JobControlCommands()) all.push_back(std::move(command));
  return all;
}

}  // namespace muster::cli
