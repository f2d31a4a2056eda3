// What operators do with jobs that were made before: again, go on, no more. A rerun is a new job
// through the same door (Create), so every rule for jobs holds for it too.
#include <algorithm>
#include <set>

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/jobs/job_board.h"

namespace muster::server {
namespace {

constexpr size_t kPage = 1'000;

// As waves count failures.
bool HasFailed(JobTargetState state) {
  return state == JobTargetState::kFailed || state == JobTargetState::kLost ||
         state == JobTargetState::kReverted || state == JobTargetState::kExpired;
}

bool IsWanted(const Rerun& rerun, JobTargetState state) {
  if (!rerun.failed && !rerun.not_started) return true;
  return (rerun.failed && HasFailed(state)) ||
         (rerun.not_started && state == JobTargetState::kCancelled);
}

// What a cancellation on one device would do now.
CancelledJob WouldCancel(const std::vector<JobTarget>& open, JobId job, bool held_only,
                         bool stop_running) {
  CancelledJob would;
  for (const JobTarget& target : open) {
    const bool held = target.state == JobTargetState::kHeld;
    if ((job && target.job != job) || (held_only && !held)) continue;
    if (target.state == JobTargetState::kSent || target.state == JobTargetState::kRunning) {
      ++(stop_running ? would.stopping : would.refused);
    } else if (target.state != JobTargetState::kCancelling) {
      ++would.cancelled;
    }
  }
  return would;
}

NewJob TermsOf(const Job& job, const Rerun& rerun, int64_t now_us) {
  NewJob terms;
  terms.script = job.script;
  terms.script_name = job.script_name;
  terms.script_is_known = true;
  terms.description = job.description;
  terms.idempotent = job.idempotent;
  // What was said of the first job counts: nobody is asked again whether the script reboots.
  terms.ends_with = job.ends_with;
  terms.timeout = absl::Seconds(job.timeout_seconds);
  // Asked again whether the caller may: an operator can't go past windows by an admin's job.
  terms.ignore_windows = job.ignore_windows;
  terms.waves = rerun.waves.has_value() ? rerun.waves : job.waves;
  // As long as the first had from when it could begin.
  const int64_t begin_us = std::max(job.not_before_us, job.create_time_us);
  terms.not_after_us =
      rerun.not_after_us != 0 ? rerun.not_after_us : now_us + (job.not_after_us - begin_us);
  return terms;
}

}  // namespace

absl::StatusOr<std::vector<DeviceId>> JobBoard::RerunDevices(const OrganizationScope& scope,
                                                             const Rerun& rerun) const {
  std::vector<DeviceId> devices;
  DeviceId after;
  for (;;) {
    const std::vector<JobTarget> page = state_.ListJobTargets(rerun.job, after, kPage);
    for (const JobTarget& target : page) {
      after = target.device;
      if (!IsWanted(rerun, target.state)) continue;
      const std::optional<Device> device = state_.FindDevice(target.device);
      // One that was deleted meanwhile is nobody's failure.
      if (!device.has_value() || device->organization != scope.id()) continue;
      // What can't run it now is left out, as a filter would.
      if (device->delete_time_us != 0 || device->monitor_only) continue;
      devices.push_back(target.device);
    }
    if (page.size() < kPage) break;
  }
  if (devices.empty()) {
    return NoTargets(rerun.failed || rerun.not_started
                         ? "the job has no device in the states that you asked for; see its "
                           "targets"
                         : "none of the job's devices is left");
  }
  return devices;
}

absl::StatusOr<Job> JobBoard::Repeat(const OrganizationScope& scope, const AuditedCall& call,
                                     const Rerun& rerun, bool validate_only) {
  // Before the devices are chosen: their states have changed since the first call.
  ASSIGN_OR_RETURN(std::optional<Job> earlier, FindEarlier(scope, call));
  if (earlier.has_value()) return *std::move(earlier);
  ASSIGN_OR_RETURN(const Job job, Get(scope, rerun.job));
  // It had no script; what is behind is asked anew by an upgrade.
  if (!job.agent_version.empty()) {
    return NoTargets("it was an agent upgrade; make another one: muster agent upgrade");
  }
  NewJob terms = TermsOf(job, rerun, absl::ToUnixMicros(state_.StateTime()));
  ASSIGN_OR_RETURN(terms.devices, RerunDevices(scope, rerun));
  return Create(scope, call, terms, validate_only);
}

ReleasedJobs JobBoard::WouldRelease(const std::set<uint64_t>& devices) const {
  ReleasedJobs would;
  for (const uint64_t id : devices) {
    const std::optional<Device> device = state_.FindDevice(DeviceId{id});
    if (!device.has_value() || device->delete_time_us != 0 || !device->jobs_held) continue;
    // One that waits for acceptance is accepted, not released.
    if (device->hold_kind == HoldKind::kPending) continue;
    ++would.devices;
    for (const JobTarget& target : state_.ListOpenTargets(DeviceId{id}, kPage)) {
      if (target.state == JobTargetState::kHeld) ++would.targets;
    }
  }
  return would;
}

absl::StatusOr<ReleasedJobs> JobBoard::Release(const OrganizationScope& scope,
                                               const AuditedCall& call, DeviceId device,
                                               JobId job) {
  if (static_cast<bool>(device) == static_cast<bool>(job)) {
    return BadField("device", "give exactly one of device and job");
  }
  // Sorted and each once; collected before the first release, which changes what is held.
  std::set<uint64_t> held;
  if (device) {
    // Also to see whose it is.
    RETURN_IF_ERROR(devices_.Get(scope, device).status());
    held.insert(device.value);
  } else {
    RETURN_IF_ERROR(Get(scope, job).status());
    DeviceId after;
    for (bool more = true; more;) {
      const std::vector<JobTarget> page = state_.ListJobTargets(job, after, kPage);
      for (const JobTarget& target : page) {
        after = target.device;
        if (target.state == JobTargetState::kHeld) held.insert(target.device.value);
      }
      more = page.size() == kPage;
    }
  }
  if (call.validate_only) return WouldRelease(held);
  ReleasedJobs released;
  // Only the first command carries the request id: an id stands for one command.
  AuditedCall step = call;
  for (auto at = held.begin(); at != held.end();) {
    internal::v1::Command command = StartCommand(scope.caller(), scope.id(), step);
    auto& release = *command.mutable_release_holds();
    release.set_organization_id(scope.id().value);
    release.set_job_id(job.value);
    for (; at != held.end() && release.devices_size() < int{kPage}; ++at) {
      release.add_devices(*at);
    }
    ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
    released.devices += applied.result.release_holds().device_count();
    released.targets += applied.result.release_holds().target_count();
    // A repetition finds the rest still held.
    step.request_id.clear();
  }
  return released;
}

absl::StatusOr<CancelledJob> JobBoard::CancelOnDevice(const OrganizationScope& scope,
                                                      const AuditedCall& call, DeviceId device,
                                                      JobId job, bool held_only,
                                                      bool stop_running) {
  if (held_only && stop_running) {
    return BadField("stop_running", "does not go with only_held: what is held does not run");
  }
  ASSIGN_OR_RETURN(const Device found, devices_.Get(scope, device));
  if (found.delete_time_us != 0) {
    return DeviceDeleted(FormatChildName(scope.slug(), "devices", device.value));
  }
  if (job) {
    RETURN_IF_ERROR(Get(scope, job).status());
    RETURN_IF_ERROR(GetTarget(scope, job, device).status());
  }
  if (call.validate_only) {
    return WouldCancel(state_.ListOpenTargets(device, kPage), job, held_only, stop_running);
  }
  CancelledJob cancelled;
  // Only the first command carries the request id: an id stands for one command.
  AuditedCall step = call;
  bool first = true;
  for (bool more = true; more; step.request_id.clear()) {
    internal::v1::Command command = StartCommand(scope.caller(), scope.id(), step);
    auto& cancel = *command.mutable_cancel_targets();
    cancel.set_organization_id(scope.id().value);
    cancel.set_device_id(device.value);
    cancel.set_job_id(job.value);
    cancel.set_held_only(held_only);
    cancel.set_stop_running(stop_running);
    ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
    const auto& counts = applied.result.cancel_job();
    cancelled.cancelled += counts.cancelled_count();
    // What was refused or is being stopped is met again by each step: the first one's count stands.
    if (first) {
      cancelled.refused = counts.refused_count();
      cancelled.stopping = counts.stopping_count();
    }
    first = false;
    // A full command leaves some; one that cancelled nothing will not get further.
    more = counts.cancelled_count() > 0 &&
           counts.cancelled_count() + counts.refused_count() + counts.stopping_count() >= kPage;
  }
  return cancelled;
}

}  // namespace muster::server
