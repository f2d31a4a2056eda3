// What operators do with jobs that wait for them, device by device. The list of devices was read
// before the command: what has changed since is passed over, not refused.
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

using internal::v1::CancelTargets;
using internal::v1::ReleaseHolds;
using internal::v1::Result;

std::string ResourceOf(ApplyContext& context, uint64_t organization, uint64_t job,
                       uint64_t device) {
  if (job == 0) return DeviceName(context.db, organization, device);
  return absl::StrCat(OrganizationName(context.db, organization), "/jobs/", FormatId(job));
}

std::vector<uint64_t> JobsToCancel(ApplyContext& context, const CancelTargets& command) {
  std::vector<uint64_t> jobs;
  Query query(context.db,
              // The same states, spelled out, as the index targets_open has.
              "SELECT job FROM targets WHERE device = ?1 AND state IN (1, 2, 3, 4, 7, 12) "
              "AND (?2 = ?3 OR job = ?2) AND (?4 = 0 OR state = 12) ORDER BY seq, job LIMIT ?5",
              KeyOf(command.device_id()), KeyOf(command.job_id()), KeyOf(0), command.held_only(),
              kStep);
  while (query.Step()) jobs.push_back(IdOf(query.Int(0)));
  return jobs;
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const ReleaseHolds& command) {
  if (command.devices().empty() || command.devices_size() > kStep) return Malformed("devices");
  Result result;
  internal::v1::ReleaseHoldsResult& counts = *result.mutable_release_holds();
  for (const uint64_t id : command.devices()) {
    const auto device = FindLiveDevice(context, id, command.organization_id());
    // One that waits for acceptance is accepted, not released.
    if (!device.ok() || !device->core.held || device->core.hold == HoldKind::kPending) continue;
    counts.set_target_count(counts.target_count() + EndHold(context, device->index));
    counts.set_device_count(counts.device_count() + 1);
  }
  // Nothing happened: no audit entry.
  if (counts.device_count() == 0) return result;
  WriteAudit(context,
             ResourceOf(context, command.organization_id(), command.job_id(), command.devices(0)),
             command.organization_id(),
             absl::StrCat("let the jobs of ", counts.device_count(),
                          counts.device_count() == 1 ? " device go on" : " devices go on"));
  return result;
}

ApplyResult Apply(ApplyContext& context, const CancelTargets& command) {
  const auto device = FindLiveDevice(context, command.device_id(), command.organization_id());
  if (!device.ok()) return device.status();
  if (command.held_only() && command.stop_running()) return Malformed("held_only and stop_running");
  Result result;
  internal::v1::CancelJobResult& counts = *result.mutable_cancel_job();
  counts.set_job_id(command.job_id());
  for (const uint64_t id : JobsToCancel(context, command)) {
    const std::optional<JobRules> job = LoadJob(context, id);
    std::optional<TargetRow> target = LoadTarget(context, id, command.device_id());
    if (!job.has_value() || !target.has_value()) continue;
    // Wanted even where it is too late: it is not tried again then.
    target->cancel_wanted = true;
    if (CancelOne(context, *job, *target)) {
      counts.set_cancelled_count(counts.cancelled_count() + 1);
    } else if (command.stop_running() && StopOne(context, *job, *target)) {
      counts.set_stopping_count(counts.stopping_count() + 1);
    } else {
      SaveTarget(context, *target);
      counts.set_refused_count(counts.refused_count() + 1);
    }
  }
  WriteAudit(context,
             ResourceOf(context, command.organization_id(), command.job_id(), command.device_id()),
             command.organization_id(),
             absl::StrCat("cancelled ", counts.cancelled_count(), " jobs on device ",
                          FormatId(command.device_id()), AlsoStopped(counts.stopping_count())));
  return result;
}

}  // namespace muster::server
