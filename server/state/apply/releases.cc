// Devices that leave. The agent takes itself off by a job, and only the job's success makes the
// tombstone: until then the device is live, so that its beats and its result are taken.
#include "server/state/apply/releases.h"

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

constexpr size_t kMaxScriptBytes = size_t{64} << 10;
constexpr int64_t kMaxTtlUs = int64_t{90} * 86'400 * kSecondUs;

bool IsReleaseJob(ApplyContext& context, DenseIndex index, uint64_t job) {
  Query query(context.db, "SELECT release_job FROM devices WHERE dense = ?", index);
  return query.Step() && !query.IsNull(0) && IdOf(query.Int(0)) == job;
}

// All that CreateJob would refuse as well: it is applied after the queue was emptied, and must not
// fail then.
absl::Status CheckRelease(ApplyContext& context, const internal::v1::ReleaseDevice& command,
                          const DeviceCore& core) {
  if (absl::Status status = MayRelease(ViewOf(core)); !status.ok()) return status;
  if (command.script().empty() || command.script().size() > kMaxScriptBytes ||
      command.job_id() == 0 || command.ttl_us() <= 0 || command.ttl_us() > kMaxTtlUs) {
    return Malformed("release");
  }
  Query query(context.db, "SELECT 1 FROM jobs WHERE id = ?", KeyOf(command.job_id()));
  return query.Step() ? AlreadyThere("job", FormatId(command.job_id())) : absl::OkStatus();
}

internal::v1::CreateJob JobOf(ApplyContext& context, const internal::v1::ReleaseDevice& command) {
  internal::v1::CreateJob job;
  job.set_job_id(command.job_id());
  job.set_organization_id(command.organization_id());
  job.set_script(command.script());
  job.set_description("release: takes the agent off the router");
  job.set_device_id(command.device_id());
  job.add_members(command.device_id());
  job.set_not_after_us(context.now_us() + command.ttl_us());
  job.set_creator(command.creator());
  return job;
}

// Who is behind the token is as doubtful as it was before the release, so nothing that comes next
// may reach the router unseen.
void BringHoldBack(ApplyContext& context, DenseIndex index) {
  HoldKind kind = HoldKind::kNone;
  std::string reason;
  {
    Query query(
        context.db,
        "SELECT hold_before_release, hold_before_release_reason FROM devices WHERE dense = ?",
        index);
    if (!query.Step()) return;
    kind = static_cast<HoldKind>(query.Int(0));
    reason = query.Text(1);
  }
  if (kind != HoldKind::kNone) HoldDevice(context, index, kind, reason);
}

std::string HoldReason(ApplyContext& context, DenseIndex index) {
  Query query(context.db, "SELECT hold_reason FROM devices WHERE dense = ?", index);
  return query.Step() ? query.Text(0) : "";
}

void MakeTombstone(ApplyContext& context, DenseIndex index) {
  DeviceCore core = context.devices.Core(index);
  // Before CancelWaiting, whose targets would come back here otherwise.
  core.releasing = false;
  core.released = true;
  core.delete_index = context.index;
  context.devices.SetCore(index, core);
  context.db.Run(
      "UPDATE devices SET delete_us = ?1, delete_index = ?2, release_us = ?1, release_job = NULL, "
      "version = version + 1 WHERE dense = ?3",
      context.now_us(), context.index, index);
  CancelWaiting(context, core.id, "the device was released");
  WriteEvent(context, core.id, EventKind::kReleased,
             "the agent is off the router; should it come back, it is told to stop");
}

}  // namespace

void OnTargetEnded(ApplyContext& context, DenseIndex index, const TargetRow& target) {
  if (!IsReleaseJob(context, index, target.job)) return;
  DeviceCore core = context.devices.Core(index);
  if (target.state == JobTargetState::kSucceeded) {
    MakeTombstone(context, index);
  } else {
    core.releasing = false;
    context.devices.SetCore(index, core);
    context.db.Run("UPDATE devices SET release_job = NULL WHERE dense = ?", index);
    WriteEvent(
        context, core.id, EventKind::kReleaseFailed,
        absl::StrCat("job ", FormatId(target.job), " did not succeed: ", target.error,
                     "; device release again, or paste the line of --offline and delete it"));
    BringHoldBack(context, index);
  }
  TellOfDevice(context, core, ChangeKind::kDevice);
}

ApplyResult Apply(ApplyContext& context, const internal::v1::ReleaseDevice& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (absl::Status status = CheckRelease(context, command, device->core); !status.ok()) {
    return status;
  }
  // Queue and hold must be out of the way: the release job goes behind everything, and a held
  // device gets nothing.
  CancelWaiting(context, command.device_id(), "the device is being released");
  const HoldKind hold = device->core.held ? device->core.hold : HoldKind::kNone;
  const std::string reason = HoldReason(context, device->index);
  if (device->core.held) EndHold(context, device->index);
  const ApplyResult made = Apply(context, JobOf(context, command));
  if (!made.ok()) return made.status();
  DeviceCore core = context.devices.Core(device->index);
  // After the job was made, since CreateJob refuses devices that are being released.
  core.releasing = true;
  context.devices.SetCore(device->index, core);
  context.db.Run(
      "UPDATE devices SET release_job = ?, hold_before_release = ?, hold_before_release_reason = ? "
      "WHERE dense = ?",
      KeyOf(command.job_id()), hold, reason, device->index);
  WriteEvent(context, core.id, EventKind::kReleasing,
             absl::StrCat("job ", FormatId(command.job_id()), " takes the agent off the router"));
  AuditDevice(context, core, "releases the device");
  TellOfDevice(context, core, ChangeKind::kDevice);
  return ResultOf(command.job_id());
}

}  // namespace muster::server
