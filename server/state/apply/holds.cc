// Holding a device's queue and letting it go. A hold is the answer to every doubt about who or what
// is behind a token: nothing new reaches the router until an operator has looked, and what had
// started is never run again by itself.
#include "server/state/apply/holds.h"

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

void Save(ApplyContext& context, DenseIndex index, const DeviceCore& core, absl::string_view why) {
  context.devices.SetCore(index, core);
  SaveCoreNumbers(context, index, core);
  context.db.Run("UPDATE devices SET hold_kind = ?, hold_reason = ? WHERE dense = ?", core.hold,
                 why, index);
  context.Changed({.kind = ChangeKind::kDevice,
                   .organization = OrganizationId{core.organization},
                   .device = DeviceId{core.id}});
}

// CANCELLING goes to its end by itself, and an upgrade has no number to fear for.
void HoldTarget(ApplyContext& context, const DeviceCore& core, const JobRules& job,
                TargetRow& target, absl::string_view why) {
  if (target.state == JobTargetState::kCancelling || job.is_upgrade) return;
  // Held for another reason before: only the words change.
  if (target.state == JobTargetState::kHeld) {
    target.error = std::string(why);
    SaveTarget(context, target);
    return;
  }
  if (target.number != 0 && target.number <= core.highest_reported) {
    // It runs, or has run, and its router is as it was: its result may be on its way.
    if (core.hold == HoldKind::kRestored) return;
    target.error = std::string(why);
    // It was started, and what it did may be gone: never run it again by ourselves.
    EndTarget(context, job, target, JobTargetState::kLost);
    return;
  }
  target.error = std::string(why);
  // The number stays in the row: a result for it still counts while it is held.
  if (target.times_sent > 0) {
    target.error = absl::StrCat(why, "; it was sent before that and may have run");
  }
  if (target.number != 0) RemoveFromEdges(context, target, job.not_after_us);
  target.due_us = job.not_after_us;
  MoveTarget(context, job, target, JobTargetState::kHeld);
}

// False where it ends instead: it had been started, which we learned while it was held (or a result
// came and was an earlier one's).
bool QueueAgain(ApplyContext& context, const DeviceCore& core, const JobRules& job,
                TargetRow& target) {
  if (target.number != 0 && target.number <= core.highest_reported) {
    EndTarget(context, job, target, JobTargetState::kLost);
    return false;
  }
  ForgetNumber(target);
  target.error.clear();
  target.due_us = job.not_before_us > context.now_us() ? job.not_before_us : job.not_after_us;
  MoveTarget(context, job, target, JobTargetState::kQueued);
  return true;
}

}  // namespace

std::vector<uint64_t> OpenJobs(ApplyContext& context, uint64_t device) {
  std::vector<uint64_t> jobs;
  Query query(context.db,
              "SELECT job FROM targets WHERE device = ? AND state IN (1, 2, 3, 4, 7, 12) "
              "ORDER BY seq, job",
              KeyOf(device));
  while (query.Step()) jobs.push_back(IdOf(query.Int(0)));
  return jobs;
}

void HoldDevice(ApplyContext& context, DenseIndex index, HoldKind kind, absl::string_view why) {
  DeviceCore core = context.devices.Core(index);
  // Equal kinds go on: the words may be newer.
  if (WeightOf(core.hold) > WeightOf(kind)) return;
  core.held = true;
  core.hold = kind;
  // Held before its targets move: each EndTarget tries to release the next one.
  Save(context, index, core, why);
  for (const uint64_t id : OpenJobs(context, core.id)) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, core.id);
    if (job.has_value() && target.has_value()) HoldTarget(context, core, *job, *target, why);
  }
}

void HoldAsClone(ApplyContext& context, DenseIndex index, absl::string_view evidence) {
  const DeviceCore core = context.devices.Core(index);
  if (WeightOf(core.hold) >= WeightOf(HoldKind::kClone)) return;
  WriteEvent(context, core.id, EventKind::kClone,
             absl::StrCat(evidence, ": two routers use this identity; its jobs wait until one of ",
                          "them is gone and the other accepted (device accept-identity)"));
  HoldDevice(context, index, HoldKind::kClone, absl::StrCat("clone: ", evidence));
}

void DoubtRestored(ApplyContext& context, DenseIndex index, uint64_t last) {
  const DeviceCore core = context.devices.Core(index);
  if (core.hold != HoldKind::kRestored) return;
  for (const uint64_t id : OpenJobs(context, core.id)) {
    std::optional<TargetRow> target = LoadTarget(context, id, core.id);
    if (!target.has_value() || target->state != JobTargetState::kHeld) continue;
    target->error = absl::StrCat("held: the router has started job number ", last,
                                 " since the backup was made, and it may have been this job");
    SaveTarget(context, *target);
  }
}

uint32_t EndHold(ApplyContext& context, DenseIndex index) {
  DeviceCore core = context.devices.Core(index);
  core.held = false;
  core.hold = HoldKind::kNone;
  Save(context, index, core, "");
  uint32_t queued = 0;
  for (const uint64_t id : OpenJobs(context, core.id)) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, core.id);
    if (!job.has_value() || !target.has_value() || target->state != JobTargetState::kHeld) continue;
    if (QueueAgain(context, core, *job, *target)) ++queued;
  }
  // Once for all: only one can go anyway.
  ReleaseHead(context, index);
  return queued;
}

void CancelWaiting(ApplyContext& context, uint64_t device, absl::string_view why) {
  for (const uint64_t id : OpenJobs(context, device)) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, device);
    if (!job.has_value() || !target.has_value()) continue;
    if (target->state != JobTargetState::kQueued && target->state != JobTargetState::kHeld) {
      continue;
    }
    target->error = std::string(why);
    EndTarget(context, *job, *target, JobTargetState::kCancelled);
  }
}

}  // namespace muster::server
