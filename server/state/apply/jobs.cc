// Jobs: created with frozen members, expanded into targets and cancelled in bounded steps. A job
// over 100,000 devices is one row and packed ids; targets are made 1,000 a step by ExpandJob
// commands, so that check-ins of other edges come between. Everything that is left to do stands in
// the rows, so a restart goes on where the last step ended.
#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "server/state/apply/agent_upgrades.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/job_waves.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

using internal::v1::CancelJobResult;
using internal::v1::CreateJob;
using internal::v1::CreateJobResult;
using internal::v1::Result;

constexpr size_t kMaxScriptBytes = size_t{64} << 10;
constexpr size_t kMaxTextBytes = 1024;
// 256 KiB of ids, so that the command fits into one entry beside others.
constexpr int kMaxMembersPerCommand = 32'768;
constexpr int64_t kDefaultLifeUs = int64_t{86'400} * kSecondUs;
constexpr uint32_t kDefaultTimeoutSeconds = 300;
constexpr uint32_t kMaxTimeoutSeconds = 86'400;

// As they lie in memory; status_row.h has the check that this is little-endian.
std::string PackMembers(const google::protobuf::RepeatedField<uint64_t>& members) {
  std::string bytes(members.size() * sizeof(uint64_t), '\0');
  for (int i = 0; i < members.size(); ++i) {
    const uint64_t id = members.Get(i);
    std::memcpy(bytes.data() + i * sizeof(id), &id, sizeof(id));
  }
  return bytes;
}

// Ascending means none twice, which one comparison of neighbours shows.
bool Ascends(const google::protobuf::RepeatedField<uint64_t>& members) {
  return std::adjacent_find(members.begin(), members.end(),
                            [](uint64_t a, uint64_t b) { return a >= b; }) == members.end();
}

bool MembersAreSound(const google::protobuf::RepeatedField<uint64_t>& members) {
  return !members.empty() && members.size() <= kMaxMembersPerCommand && members.Get(0) != 0 &&
         Ascends(members);
}

// The same where canaries stand before the others, each part ascending. Only if both are is the
// whole put in order, so that the rule below sees an id that stands in both.
bool MembersAreSound(const CreateJob& command) {
  google::protobuf::RepeatedField<uint64_t> members = command.members();
  const auto canaries = static_cast<int64_t>(command.waves().canary_count());
  if (canaries > members.size()) return false;
  if (std::is_sorted(members.begin(), members.begin() + canaries) &&
      std::is_sorted(members.begin() + canaries, members.end())) {
    std::sort(members.begin(), members.end());
  }
  return MembersAreSound(members);
}

std::string JobName(Database& db, uint64_t organization, uint64_t job) {
  return absl::StrCat(OrganizationName(db, organization), "/jobs/", FormatId(job));
}

// Why a member gets no job; empty: it gets one. Asked again when the target is made: between the
// choice of members and this step a device may have moved, gone or become monitor-only.
std::string Objection(const std::optional<DeviceTable::Both>& device, uint64_t organization) {
  if (!device.has_value() || device->core.organization != organization) {
    return "there is no such device";
  }
  if (device->core.delete_index != 0) return "the device was deleted";
  if (device->core.monitor_only) return "the device is monitor-only and takes no jobs";
  if (device->core.releasing) return "the device is being released";
  return "";
}

// An upgrade goes through waves, if only one of all, and never runs again by itself.
// The proposer sets these; apply insists, because a bad agent on a whole fleet is not undone from
// here.
bool GoalIsSound(const CreateJob& command) {
  const internal::v1::AgentGoal& goal = command.agent();
  return !goal.version().empty() && goal.version().size() <= kMaxAgentVersionBytes &&
         goal.profile() <= 3 && goal.urls_size() <= kMaxUrls && !command.idempotent() &&
         (command.waves().canary_count() > 0 || command.waves().batch_size() > 0);
}

// All that can be wrong with it, before the first write.
absl::Status CheckJob(ApplyContext& context, const CreateJob& command) {
  const int64_t not_after =
      command.not_after_us() == 0 ? context.now_us() + kDefaultLifeUs : command.not_after_us();
  if (command.job_id() == 0 || command.script().empty() != command.has_agent() ||
      (command.has_agent() && !GoalIsSound(command)) || command.script().size() > kMaxScriptBytes ||
      command.description().size() > kMaxTextBytes || command.ends_with() > 2 ||
      command.timeout_seconds() > kMaxTimeoutSeconds || not_after > kMaxTimeUs ||
      command.not_before_us() < 0 || !MembersAreSound(command)) {
    return Malformed("job");
  }
  if (not_after <= context.now_us() || not_after <= command.not_before_us()) {
    return absl::InvalidArgumentError("not_after has passed, or is not after not_before");
  }
  if (OrganizationName(context.db, command.organization_id()).empty()) {
    return UnknownThing("organization", FormatId(command.organization_id()));
  }
  for (const std::string& name : command.secrets()) {
    Query query(context.db, "SELECT 1 FROM secrets WHERE organization = ? AND name = ?",
                KeyOf(command.organization_id()), name);
    if (!query.Step()) {
      return absl::FailedPreconditionError(absl::StrCat("there is no secret ", name));
    }
  }
  if (command.device_id() != 0) {
    const auto device = context.devices.FindBoth(command.device_id());
    const std::string objection = Objection(device, command.organization_id());
    if (!objection.empty()) {
      // A device that was deleted or is a stranger's is unknown; one that merely can't take jobs
      // says why.
      return device.has_value() && (device->core.monitor_only || device->core.releasing)
                 ? absl::FailedPreconditionError(objection)
                 : UnknownThing("device", FormatId(command.device_id()));
    }
  }
  Query query(context.db, "SELECT 1 FROM jobs WHERE id = ?", KeyOf(command.job_id()));
  return query.Step() ? AlreadyThere("job", FormatId(command.job_id())) : absl::OkStatus();
}

void InsertJob(ApplyContext& context, const CreateJob& c) {
  // Bodies are stored once, by hash: a thousand jobs of one script are one body, and the hash names
  // the same text on every node. An upgrade has the empty one.
  const std::string hash = Hash256(c.script());
  context.db.Run("INSERT OR IGNORE INTO scripts (hash, body) VALUES (?, ?)", Blob{hash},
                 Blob{c.script()});
  const int64_t not_after =
      c.not_after_us() == 0 ? context.now_us() + kDefaultLifeUs : c.not_after_us();
  context.db.Run(
      "INSERT INTO jobs (id, organization, seq, script_hash, description, device, filter, "
      "create_us, not_before_us, not_after_us, idempotent, ends_with, timeout_s, expect_version, "
      "creator, has_placeholders, variables, script_name, agent_goal, ignore_windows, "
      "canary_count, batch_size, max_failures, target_count, sealed, cancelled, "
      "cancel_after, open_count, end_us) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, "
      "0)",
      KeyOf(c.job_id()), KeyOf(c.organization_id()), context.NextSequence(), Blob{hash},
      c.description(), KeyOf(c.device_id()), c.filter(), context.now_us(), c.not_before_us(),
      not_after, c.idempotent(), std::max(c.ends_with(), 1U),
      c.timeout_seconds() == 0 ? kDefaultTimeoutSeconds : c.timeout_seconds(), c.expect_version(),
      c.creator(), c.variables().variables_size() > 0 || c.secrets_size() > 0,
      Blob{c.variables().SerializeAsString()}, c.script_name(), Blob{c.agent().SerializeAsString()},
      c.ignore_windows(), c.waves().canary_count(), c.waves().batch_size(),
      c.has_waves() ? int64_t{c.waves().max_failures()} : int64_t{-1});
  for (const std::string& name : c.secrets()) {
    context.db.Run("INSERT OR IGNORE INTO job_secrets (organization, name, job) VALUES (?, ?, ?)",
                   KeyOf(c.organization_id()), name, KeyOf(c.job_id()));
  }
}

// Counts members as open and queued from here on, long before they are targets: operators see the
// true size, and a job can't end while some are left.
void AddMembers(ApplyContext& context, uint64_t job,
                const google::protobuf::RepeatedField<uint64_t>& members, bool more) {
  context.db.Run("INSERT INTO job_members (job, part, members) VALUES (?, ?, ?)", KeyOf(job),
                 context.NextSequence(), Blob{PackMembers(members)});
  context.db.Run(
      "UPDATE jobs SET target_count = target_count + ?1, open_count = open_count + ?1, "
      "sealed = ?2 WHERE id = ?3",
      members.size(), !more, KeyOf(job));
  context.db.Run(
      "INSERT INTO job_counts (job, state, count) VALUES (?1, 1, ?2) "
      "ON CONFLICT (job, state) DO UPDATE SET count = count + ?2",
      KeyOf(job), members.size());
}

std::string HoldReason(ApplyContext& context, DenseIndex index) {
  Query query(context.db, "SELECT hold_reason FROM devices WHERE dense = ?", index);
  return query.Step() ? query.Text(0) : "";
}

// A member that two parts of the list name is one target; parts are checked alone, and who sends
// them may have lost one and sent it again.
void DropMember(ApplyContext& context, uint64_t job) {
  context.db.Run(
      "UPDATE jobs SET target_count = target_count - 1, open_count = open_count - 1 WHERE id = ?",
      KeyOf(job));
  context.db.Run("UPDATE job_counts SET count = count - 1 WHERE job = ? AND state = 1", KeyOf(job));
}

// Why a cancelled target was not started; empty where somebody cancelled it.
std::string NotStarted(const JobRules& job) {
  return job.stop_reason.empty() ? "" : absl::StrCat("not started: ", job.stop_reason);
}

// What can't run is made a target all the same, ended with its reason: nobody on the frozen list
// vanishes from the report.
void AddOneTarget(ApplyContext& context, const JobRules& job, uint64_t device, uint64_t place) {
  if (LoadTarget(context, job.id, device).has_value()) {
    DropMember(context, job.id);
    return;
  }
  const auto both = context.devices.FindBoth(device);
  TargetRow target;
  target.device = device;
  target.wave = WaveOf(job, place);
  target.error = Objection(both, job.organization);
  if (!target.error.empty()) {
    target.state = JobTargetState::kFailed;
    target.phase = "release";
  } else if (job.cancelled != 0) {
    target.state = JobTargetState::kCancelled;
    target.error = NotStarted(job);
  } else if (both->core.held && !job.is_upgrade) {
    target.state = JobTargetState::kHeld;
    target.error = HoldReason(context, both->index);
  }
  AddTarget(context, job, target);
  // At once, so that a job for one device is at its edge in the same command that made it.
  if (both.has_value()) ReleaseHead(context, both->index);
}

// Makes targets of the next members of the oldest part; true where some were left to make. What is
// taken is cut off the stored list in the same transaction: no member is lost or made twice by a
// crash.
bool ExpandSome(ApplyContext& context, const JobRules& job) {
  int64_t part = 0;
  std::string members;
  {
    Query query(context.db,
                "SELECT part, members FROM job_members WHERE job = ? ORDER BY part LIMIT 1",
                KeyOf(job.id));
    if (!query.Step()) return false;
    part = query.Int(0);
    members = query.Text(1);
  }
  const size_t take = std::min<size_t>(members.size() / sizeof(uint64_t), kStep);
  for (size_t i = 0; i < take; ++i) {
    uint64_t device = 0;
    std::memcpy(&device, members.data() + i * sizeof(device), sizeof(device));
    AddOneTarget(context, job, device, job.members_done + i);
  }
  context.db.Run("UPDATE jobs SET members_done = members_done + ? WHERE id = ?", take,
                 KeyOf(job.id));
  members.erase(0, take * sizeof(uint64_t));
  if (members.empty()) {
    context.db.Run("DELETE FROM job_members WHERE job = ? AND part = ?", KeyOf(job.id), part);
  } else {
    context.db.Run("UPDATE job_members SET members = ? WHERE job = ? AND part = ?", Blob{members},
                   KeyOf(job.id), part);
  }
  // `job` is from before this step; BeginWaves reads what it needs from the rows.
  BeginWaves(context, job);
  return true;
}

bool IsUnsent(JobTargetState state) {
  return state == JobTargetState::kQueued || state == JobTargetState::kHeld ||
         state == JobTargetState::kAtEdge;
}

// Cancels the next targets, or marks them so that they get no further attempt. True: some may be
// left. `cancel_after` is how far earlier steps came.
// By device and not by state: the state of those that were passed may change again (a held one
// released, say), and a scan by state would meet them twice.
bool CancelSome(ApplyContext& context, const JobRules& job) {
  std::vector<uint64_t> devices;
  {
    Query query(context.db,
                "SELECT device FROM targets WHERE job = ?1 AND device > "
                "(SELECT cancel_after FROM jobs WHERE id = ?1) ORDER BY device LIMIT ?2",
                KeyOf(job.id), kStep);
    while (query.Step()) devices.push_back(IdOf(query.Int(0)));
  }
  if (devices.empty()) return false;
  for (const uint64_t device : devices) {
    std::optional<TargetRow> target = LoadTarget(context, job.id, device);
    if (!target.has_value() || HasEnded(target->state)) continue;
    // Kept even where it is too late: a router that loses it then gets no new attempt.
    target->cancel_wanted = true;
    if (IsUnsent(target->state)) target->error = NotStarted(job);
    if (CancelOne(context, job, *target)) continue;
    if (!job.stop_running || !StopOne(context, job, *target)) SaveTarget(context, *target);
  }
  context.db.Run("UPDATE jobs SET cancel_after = ? WHERE id = ?", KeyOf(devices.back()),
                 KeyOf(job.id));
  return devices.size() == static_cast<size_t>(kStep);
}

// A step of a cancellation that goes on. What Muster stopped by itself is written to the audit.
// Operators' own cancellations were audited when they were asked for.
void CancelOn(ApplyContext& context, const JobRules& job) {
  bool first = false;
  {
    Query query(context.db, "SELECT cancel_after FROM jobs WHERE id = ?", KeyOf(job.id));
    first = query.Step() && query.Int(0) == KeyOf(0);
  }
  if (first && !job.stop_reason.empty()) {
    WriteAudit(context, JobName(context.db, job.organization, job.id), job.organization,
               absl::StrCat("stopped the job: ", job.stop_reason));
  }
  if (CancelSome(context, job)) return;
  context.db.Run("UPDATE jobs SET cancelled = 2, wave_due = 0 WHERE id = ?", KeyOf(job.id));
}

uint32_t CountOf(ApplyContext& context, uint64_t job, JobTargetState state) {
  Query query(context.db, "SELECT count FROM job_counts WHERE job = ? AND state = ?", KeyOf(job),
              state);
  return query.Step() ? static_cast<uint32_t>(query.Int(0)) : 0;
}

uint32_t CancelledOf(ApplyContext& context, uint64_t job) {
  return CountOf(context, job, JobTargetState::kCancelled) +
         CountOf(context, job, JobTargetState::kCancelling);
}

uint32_t UnsentOf(ApplyContext& context, uint64_t job) {
  return CountOf(context, job, JobTargetState::kQueued) +
         CountOf(context, job, JobTargetState::kHeld) +
         CountOf(context, job, JobTargetState::kAtEdge);
}

void JobChanged(ApplyContext& context, uint64_t job, uint64_t organization) {
  context.Changed(
      {.kind = ChangeKind::kJob, .organization = OrganizationId{organization}, .job = JobId{job}});
}

Result CreateResult(uint64_t job, uint32_t count) {
  Result result;
  result.mutable_create_job()->set_job_id(job);
  result.mutable_create_job()->set_target_count(count);
  return result;
}

}  // namespace

std::string AlsoStopped(uint32_t count) {
  if (count == 0) return "";
  return absl::StrCat(", and told ", count, count == 1 ? " router" : " routers", " to stop it");
}

bool CancelOne(ApplyContext& context, const JobRules& job, TargetRow& target) {
  switch (target.state) {
    case JobTargetState::kQueued:
    case JobTargetState::kHeld:
      EndTarget(context, job, target, JobTargetState::kCancelled);
      return true;
    case JobTargetState::kRunning:
      // The text is no longer offered; whoever has fetched it is judged by what it reports.
      if (job.is_upgrade) WithdrawUpgrade(context, target);
      return false;
    case JobTargetState::kSent: {
      const auto both = context.devices.FindBoth(target.device);
      // Then the reply was lost, and the router has nothing of it.
      const bool unstarted =
          both.has_value() && ShowsNotStarted(context, *both, target.number, target.sent_us);
      if (!unstarted) return false;
      [[fallthrough]];
    }
    case JobTargetState::kAtEdge:
      // Wanted first: an edge that reports SENT meanwhile makes it SENT again, and then it is not
      // tried a second time.
      target.cancel_wanted = true;
      target.due_us = job.not_after_us + kEdgeGraceUs;
      MoveTarget(context, job, target, JobTargetState::kCancelling);
      // No edge has it: there is nobody to wait for.
      if (RemoveFromEdges(context, target, job.not_after_us) == 0) {
        EndTarget(context, job, target, JobTargetState::kCancelled);
      }
      return true;
    default:
      return false;
  }
}

ApplyResult Apply(ApplyContext& context, const CreateJob& command) {
  if (auto status = CheckJob(context, command); !status.ok()) return status;
  InsertJob(context, command);
  AddMembers(context, command.job_id(), command.members(), command.more_members());
  JobChanged(context, command.job_id(), command.organization_id());
  WriteAudit(context, JobName(context.db, command.organization_id(), command.job_id()),
             command.organization_id(), "created the job");
  // The first step at once: jobs of up to 1,000 devices need no housekeeping to begin.
  if (!command.more_members()) ExpandSome(context, *LoadJob(context, command.job_id()));
  return CreateResult(command.job_id(), static_cast<uint32_t>(command.members_size()));
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ExtendJob& command) {
  if (!MembersAreSound(command.members())) return Malformed("members of a job");
  uint32_t count = 0;
  {
    Query query(context.db, "SELECT sealed, target_count FROM jobs WHERE id = ?",
                KeyOf(command.job_id()));
    if (!query.Step()) return UnknownThing("job", FormatId(command.job_id()));
    if (query.Bool(0)) return absl::FailedPreconditionError("the job has all its members");
    count = static_cast<uint32_t>(query.Int(1));
  }
  AddMembers(context, command.job_id(), command.members(), command.more_members());
  const JobRules job = *LoadJob(context, command.job_id());
  JobChanged(context, job.id, job.organization);
  return CreateResult(job.id, count + static_cast<uint32_t>(command.members_size()));
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ExpandJob& command) {
  const std::optional<JobRules> job = LoadJob(context, command.job_id());
  if (!job.has_value()) return UnknownThing("job", FormatId(command.job_id()));
  if (!job->sealed) return absl::FailedPreconditionError("the job has not all its members yet");
  if (ExpandSome(context, *job)) return ResultOf(job->id);
  if (job->cancelled == 1) {
    CancelOn(context, *job);
  } else if (job->wave_due != 0) {
    StepWaves(context, *job);
  }
  return ResultOf(job->id);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::CancelJob& command) {
  std::optional<JobRules> job = LoadJob(context, command.job_id());
  if (!job.has_value() || job->organization != command.organization_id()) {
    return UnknownThing("job", FormatId(command.job_id()));
  }
  const uint32_t before = CancelledOf(context, job->id);
  // A member list that was never finished counts as finished now; its maker may still send parts,
  // which are then refused.
  job->cancelled = 1;
  job->stop_running = job->stop_running || (command.stop_running() && !job->is_upgrade);
  context.db.Run(
      "UPDATE jobs SET cancelled = 1, sealed = 1, cancel_after = ?, stop_running = ? WHERE id = ?",
      KeyOf(0), job->stop_running, KeyOf(job->id));
  // Targets first, then cancel: what is no target yet is made as a cancelled one, step by step.
  const bool expanding = ExpandSome(context, *job);
  const bool more = CancelSome(context, *job);
  if (!expanding && !more) {
    context.db.Run("UPDATE jobs SET cancelled = 2, wave_due = 0 WHERE id = ?", KeyOf(job->id));
  }
  JobChanged(context, job->id, job->organization);
  Result result;
  CancelJobResult& counts = *result.mutable_cancel_job();
  counts.set_job_id(job->id);
  // What the steps to come will cancel is counted too, since the operator wants to know how it
  // ends.
  counts.set_cancelled_count(CancelledOf(context, job->id) - before +
                             (expanding || more ? UnsentOf(context, job->id) : 0));
  const uint32_t at_routers = CountOf(context, job->id, JobTargetState::kSent) +
                              CountOf(context, job->id, JobTargetState::kRunning);
  if (job->stop_running) {
    counts.set_stopping_count(at_routers);
  } else {
    counts.set_refused_count(at_routers);
  }
  WriteAudit(context, JobName(context.db, job->organization, job->id), job->organization,
             absl::StrCat("cancelled the job on ", counts.cancelled_count(), " devices",
                          AlsoStopped(counts.stopping_count())));
  return result;
}

}  // namespace muster::server
