// Making, reading and cancelling jobs. What needs the clock, a parser or a look at a million
// devices happens here, in the proposer; the command carries the outcome (a frozen list, names of
// placeholders), and apply judges once more what may have changed.
#include "server/jobs/job_board.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "routeros/placeholders/placeholders.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/jobs/job_members.h"
#include "server/jobs/script_check.h"
#include "server/jobs/wait_reason.h"
#include "server/pki/organization_keys.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

// As commands.proto says of CreateJob.members.
constexpr size_t kMembersPerCommand = 32768;
constexpr absl::Duration kLongestWindow = absl::Hours(24 * 90);
constexpr absl::Duration kShortestTimeout = absl::Seconds(10);
constexpr absl::Duration kLongestTimeout = absl::Hours(24);

// The command, but for its members: those may need more than one.
void FillCreate(const OrganizationScope& scope, const NewJob& terms,
                internal::v1::CreateJob* create) {
  // Made here because apply may draw no random numbers; a repetition answers the first one's.
  create->set_job_id(MakeId<JobId>().value);
  create->set_organization_id(scope.id().value);
  create->set_script(terms.script);
  create->set_script_name(terms.script_name);
  create->set_ignore_windows(terms.ignore_windows);
  if (terms.agent.has_value()) {
    create->mutable_agent()->set_version(terms.agent->version);
    create->mutable_agent()->mutable_urls()->Add(terms.agent->urls.begin(),
                                                 terms.agent->urls.end());
    if (terms.agent->profile.has_value()) {
      create->mutable_agent()->set_profile(static_cast<uint32_t>(*terms.agent->profile));
    }
    create->mutable_agent()->set_router_roots(terms.agent->router_roots);
  }
  create->set_description(terms.description);
  create->set_device_id(terms.device.value);
  create->set_filter(terms.filter_text);
  create->set_not_before_us(terms.not_before_us);
  create->set_not_after_us(terms.not_after_us);
  create->set_idempotent(terms.idempotent);
  // Not given and not refused: the script looks like one that reports.
  create->set_ends_with(static_cast<uint32_t>(terms.ends_with.value_or(JobEnd::kResult)));
  create->set_timeout_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(terms.timeout)));
  create->set_creator(scope.caller().principal());
  if (terms.waves.has_value()) {
    create->mutable_waves()->set_canary_count(terms.waves->canary_count);
    create->mutable_waves()->set_batch_size(terms.waves->batch_size);
    create->mutable_waves()->set_max_failures(terms.waves->max_failures);
  }
}

// Only names: values are taken in apply, when a number is given.
void FillWants(const JobTemplate& script, internal::v1::CreateJob* create) {
  for (const auto& [name, in_word] : script.variables()) {
    internal::v1::ScriptVariable* variable = create->mutable_variables()->add_variables();
    variable->set_name(name);
    variable->set_in_word(in_word);
  }
  for (const std::string& name : script.secrets()) create->add_secrets(name);
}

// What both ways of naming one device refuse.
// A filter leaves such devices out instead: nobody named them.
absl::Status CheckTakesJobs(const OrganizationScope& scope, const Device& device) {
  const std::string name = FormatChildName(scope.slug(), "devices", device.id.value);
  if (device.delete_time_us != 0) return DeviceDeleted(name);
  if (device.monitor_only) return MonitorOnly(name);
  return absl::OkStatus();
}

// What a cancel would do now, as far as the states say; a SENT target may still turn out to be
// unstarted.
CancelledJob WouldCancel(const Job& job, bool stop_running) {
  CancelledJob would;
  would.job = job;
  for (int state = 1; state < kJobTargetStates; ++state) {
    const uint32_t count = job.state_counts[state];
    // As CancelOne in state/apply decides.
    switch (static_cast<JobTargetState>(state)) {
      case JobTargetState::kQueued:
      case JobTargetState::kHeld:
      case JobTargetState::kAtEdge:
      case JobTargetState::kCancelling:
        would.cancelled += count;
        break;
      case JobTargetState::kSent:
      case JobTargetState::kRunning:
        (stop_running && job.agent_version.empty() ? would.stopping : would.refused) += count;
        break;
      default:
        break;
    }
  }
  return would;
}

}  // namespace

absl::Status JobBoard::CheckTerms(const NewJob& terms) const {
  if (!terms.agent.has_value()) RETURN_IF_ERROR(CheckScript(terms.script));
  RETURN_IF_ERROR(CheckText("description", terms.description, 1024, true));
  const int64_t now_us = absl::ToUnixMicros(state_.StateTime());
  // By state time: it is what apply compares with.
  const int64_t begin_us = std::max(terms.not_before_us, now_us);
  if (terms.not_before_us > now_us + absl::ToInt64Microseconds(kLongestWindow)) {
    return BadField("not_before", "lies more than 90 days ahead");
  }
  if (terms.not_after_us != 0 && terms.not_after_us <= begin_us) {
    return BadField("not_after", terms.not_before_us > now_us ? "must lie after not_before"
                                                              : "lies in the past");
  }
  // 24 h after creation is the default end; it must not lie before the beginning.
  if (terms.not_after_us == 0 &&
      terms.not_before_us >= now_us + absl::ToInt64Microseconds(absl::Hours(24))) {
    return BadField("not_after", "is needed where not_before lies more than 24 h ahead");
  }
  if (terms.not_after_us > begin_us + absl::ToInt64Microseconds(kLongestWindow)) {
    return BadField("not_after", "lies more than 90 days after the beginning");
  }
  if (terms.timeout != absl::ZeroDuration() &&
      (terms.timeout < kShortestTimeout || terms.timeout > kLongestTimeout)) {
    return BadField("timeout", "wants 10 s to 24 h");
  }
  // A reboot without saying so would end as LOST or as FAILED, and be right only by luck.
  if (!terms.ends_with.has_value()) {
    const std::string command = FindEndingCommand(terms.script);
    if (!command.empty()) return ScriptEndsUnclear(command);
  }
  return absl::OkStatus();
}

absl::Status JobBoard::TakeFromLibrary(const OrganizationScope& scope, NewJob* terms) const {
  if (terms->script_name.empty() || terms->script_is_known) return absl::OkStatus();
  if (!terms->script.empty()) {
    return BadField("script_name", "give exactly one of script and script_name");
  }
  const auto script = state_.FindLibraryScript(scope.id(), terms->script_name);
  if (!script.has_value()) {
    return UnknownResource(absl::StrCat(scope.name(), "/scripts/", terms->script_name));
  }
  // From here on it is a script like any other: changing the library changes no job.
  terms->script = script->body;
  return absl::OkStatus();
}

absl::StatusOr<JobTemplate> JobBoard::ReadTemplate(const OrganizationScope& scope,
                                                   const NewJob& terms) const {
  // Looked up now and again in apply: a secret may be deleted in between.
  ASSIGN_OR_RETURN(JobTemplate script, JobTemplate::Read(terms.script));
  for (const std::string& name : script.secrets()) {
    if (!state_.FindSecret(scope.id(), name).has_value()) return SecretMissing(name);
  }
  for (const std::string& name : script.secrets_in_words()) {
    const std::optional<std::string> sealed = state_.FindSealedSecret(scope.id(), name);
    if (!sealed.has_value()) return SecretMissing(name);
    ASSIGN_OR_RETURN(
        const Secret value,
        OpenOfOrganization(state_, master_key_, SecretContext(scope.id(), name), *sealed));
    if (!routeros::IsPlainWord(value.Reveal())) return SecretUnfit(name);
  }
  return script;
}

absl::StatusOr<std::vector<uint64_t>> JobBoard::ChooseMembers(const OrganizationScope& scope,
                                                              const NewJob& terms,
                                                              const JobTemplate& script) const {
  JobMembers members(script);
  // Named ones are all or nothing: a fleet change that silently leaves out three routers is a bad
  // surprise.
  std::vector<DeviceId> named = terms.devices;
  if (terms.device) named.push_back(terms.device);
  for (const DeviceId id : named) {
    ASSIGN_OR_RETURN(const Device device, devices_.Get(scope, id));
    RETURN_IF_ERROR(CheckTakesJobs(scope, device));
    members.Add(device);
  }
  if (named.empty()) {
    absl::StatusOr<Filter> filter = Filter::Parse(terms.filter_text);
    if (!filter.ok()) return BadField("filter", filter.status());
    // The list is frozen here: a device that joins or changes a minute later is not part of it.
    devices_.VisitMatches(scope, *filter, [&](const Device& device) {
      members.Add(device);
      return true;
    });
  }
  return members.InOrder(terms.waves.has_value() ? terms.waves->canary_count : 0);
}

absl::StatusOr<Applied> JobBoard::ProposeJob(const OrganizationScope& scope,
                                             const AuditedCall& call, const NewJob& terms,
                                             const JobTemplate& script,
                                             const std::vector<uint64_t>& members) {
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  // Into the audit, since it goes past a rule that an admin has made.
  if (terms.ignore_windows) command.set_summary("ignores maintenance windows");
  internal::v1::CreateJob* create = command.mutable_create_job();
  FillCreate(scope, terms, create);
  FillWants(script, create);
  const uint64_t job_id = create->job_id();
  // The canaries stand first; a wave of them alone may not be larger than a command, since apply
  // checks the two parts of one list.
  size_t taken = std::min(members.size(), kMembersPerCommand);
  if (create->waves().canary_count() > taken) {
    create->mutable_waves()->set_canary_count(static_cast<uint32_t>(taken));
  }
  create->mutable_members()->Add(members.begin(), members.begin() + taken);
  create->set_more_members(taken < members.size());
  ASSIGN_OR_RETURN(Applied applied, log_.Propose(std::move(command)));
  // The rest in commands of their own. Should this process die here, the list stays unsealed:
  // nothing of it has run, and after 10 minutes Tick cancels it.
  while (!applied.repeated && taken < members.size()) {
    // Without the request id, which stands for the job as a whole.
    internal::v1::Command more = StartCommand(scope.caller(), scope.id(), {call.method, "", ""});
    internal::v1::ExtendJob* extend = more.mutable_extend_job();
    extend->set_job_id(job_id);
    const size_t end = std::min(members.size(), taken + kMembersPerCommand);
    extend->mutable_members()->Add(members.begin() + taken, members.begin() + end);
    extend->set_more_members(end < members.size());
    RETURN_IF_ERROR(log_.Propose(std::move(more)).status());
    taken = end;
  }
  return applied;
}

absl::StatusOr<std::optional<Job>> JobBoard::FindEarlier(const OrganizationScope& scope,
                                                         const AuditedCall& call) const {
  if (call.request_id.empty()) return std::nullopt;
  // Asked before anything is chosen: a repetition must answer the first job, whatever the filter
  // matches by now.
  const auto seen =
      state_.FindRequest(scope.id(), scope.caller().principal(), call.method, call.request_id);
  if (!seen.has_value()) return std::nullopt;
  if (seen->digest != call.request_digest) return RequestIdUsed(call.request_id);
  Result result;
  if (!result.ParseFromString(seen->result)) return std::nullopt;
  ASSIGN_OR_RETURN(Job job, Get(scope, JobId{result.create_job().job_id()}));
  return std::optional<Job>(std::move(job));
}

absl::StatusOr<Job> JobBoard::Create(const OrganizationScope& scope, const AuditedCall& call,
                                     const NewJob& given, bool validate_only) {
  NewJob terms = given;
  // Two ways at once would have to be joined or cut; nobody would guess which.
  const int ways = int{static_cast<bool>(terms.device)} + int{!terms.devices.empty()} +
                   int{!terms.filter_text.empty()};
  if (ways != 1) return BadField("device", "give exactly one of device, devices and filter");
  ASSIGN_OR_RETURN(std::optional<Job> earlier, FindEarlier(scope, call));
  if (earlier.has_value()) return *std::move(earlier);
  // Setting windows is for admins; so is going past them.
  if (terms.ignore_windows && scope.caller().role() < Role::kAdmin) {
    return RoleTooLow("ignore_windows", "admin");
  }
  RETURN_IF_ERROR(TakeFromLibrary(scope, &terms));
  RETURN_IF_ERROR(CheckTerms(terms));
  ASSIGN_OR_RETURN(const JobTemplate script, ReadTemplate(scope, terms));
  ASSIGN_OR_RETURN(const std::vector<uint64_t> members, ChooseMembers(scope, terms, script));
  // After all checks, so that what it says holds as far as anything can.
  if (validate_only) {
    Job job;
    job.organization = scope.id();
    job.device = terms.device;
    job.filter = terms.filter_text;
    job.description = terms.description;
    job.script = terms.script;
    job.script_name = terms.script_name;
    if (terms.agent.has_value()) job.agent_version = terms.agent->version;
    job.target_count = static_cast<uint32_t>(members.size());
    job.waves = terms.waves;
    return job;
  }
  ASSIGN_OR_RETURN(const Applied applied, ProposeJob(scope, call, terms, script, members));
  return Get(scope, JobId{applied.result.create_job().job_id()});
}

absl::StatusOr<Job> JobBoard::Get(const OrganizationScope& scope, JobId id) const {
  // The one place that decides who sees text: lists never have it.
  std::optional<Job> job = state_.FindJob(id, scope.caller().may_see_scripts());
  if (!job.has_value() || job->organization != scope.id()) {
    return UnknownResource(FormatChildName(scope.slug(), "jobs", id.value));
  }
  return *std::move(job);
}

std::vector<Job> JobBoard::List(const OrganizationScope& scope, const State::JobQuery& query,
                                JobId after, size_t limit) const {
  std::vector<Job> jobs = state_.ListJobs(scope.id(), query, after, limit);
  // For everybody: a list of a hundred scripts is no list.
  for (Job& job : jobs) job.script.clear();
  return jobs;
}

JobTargetRow JobBoard::WithTitle(const Job& job, const std::vector<MaintenanceWindow>& windows,
                                 JobTarget target) const {
  const std::optional<Device> device = state_.FindDevice(target.device);
  // What it is called in another organization, where it moved, is not known here.
  const bool ours = device.has_value() && device->organization == job.organization;
  std::string title = ours ? TitleOf(*device) : FormatId(target.device);
  std::string wait;
  if (ours) wait = WaitReason(job, target, *device, windows, state_.StateTime());
  return {std::move(target), std::move(title), std::move(wait)};
}

std::vector<JobTargetRow> JobBoard::WithTitles(const Job& job,
                                               std::vector<JobTarget> targets) const {
  // Once for all rows of the page.
  const std::vector<MaintenanceWindow> windows = state_.ListWindows(job.organization);
  std::vector<JobTargetRow> rows;
  for (JobTarget& target : targets) rows.push_back(WithTitle(job, windows, std::move(target)));
  return rows;
}

absl::StatusOr<std::vector<JobTargetRow>> JobBoard::ListTargets(const OrganizationScope& scope,
                                                                JobId id, DeviceId after,
                                                                size_t limit) const {
  ASSIGN_OR_RETURN(const Job job, Get(scope, id));
  return WithTitles(job, state_.ListJobTargets(id, after, limit));
}

absl::StatusOr<std::vector<JobTargetRow>> JobBoard::ListChangedTargets(
    const OrganizationScope& scope, JobId id, const ChangePlace& after, size_t limit) const {
  ASSIGN_OR_RETURN(const Job job, Get(scope, id));
  return WithTitles(job, state_.ListChangedTargets(id, after, limit));
}

absl::StatusOr<JobTargetRow> JobBoard::GetTarget(const OrganizationScope& scope, JobId id,
                                                 DeviceId device) const {
  ASSIGN_OR_RETURN(const Job job, Get(scope, id));
  std::optional<JobTarget> target = state_.FindJobTarget(id, device);
  if (!target.has_value()) {
    return UnknownResource(FormatChildName(scope.slug(), "devices", device.value));
  }
  return WithTitle(job, state_.ListWindows(scope.id()), *std::move(target));
}

absl::StatusOr<CancelledJob> JobBoard::Cancel(const OrganizationScope& scope,
                                              const AuditedCall& call, JobId id,
                                              bool stop_running) {
  ASSIGN_OR_RETURN(const Job before, Get(scope, id));
  // Nothing is proposed, so nothing is audited.
  if (call.validate_only) return WouldCancel(before, stop_running);
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  command.mutable_cancel_job()->set_job_id(id.value);
  command.mutable_cancel_job()->set_organization_id(scope.id().value);
  command.mutable_cancel_job()->set_stop_running(stop_running);
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  CancelledJob cancelled;
  cancelled.cancelled = applied.result.cancel_job().cancelled_count();
  cancelled.refused = applied.result.cancel_job().refused_count();
  cancelled.stopping = applied.result.cancel_job().stopping_count();
  ASSIGN_OR_RETURN(cancelled.job, Get(scope, id));
  return cancelled;
}

}  // namespace muster::server
