// Evidence from job events of edges and from results.
#include "server/state/apply/job_reports.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"

namespace muster::server {
namespace {

using internal::v1::JobEvent;
using internal::v1::JobResult;

// muster.edge.v1.JobEventKind.
enum Kind : uint32_t { kSent = 1, kRemoved = 2, kExpired = 3, kTooLong = 4 };
// muster.edge.v1.JobResultStatus.
enum Status : uint32_t { kOk = 1, kFailed = 2, kRefused = 3 };

// By absence: yields to evidence.
bool Yields(JobTargetState state) {
  return state == JobTargetState::kExpired || state == JobTargetState::kLost;
}

// The router came back with another boot than the one in which it was sent.
bool HasRebooted(ApplyContext& context, const TargetRow& target) {
  const auto both = context.devices.FindBoth(target.device);
  return both.has_value() && !target.boot_at_first_send.empty() && both->row.boot_hash != 0 &&
         both->row.boot_hash != BootHash(target.boot_at_first_send);
}

void OnSent(ApplyContext& context, const JobRules& job, TargetRow& target, const JobEvent& event) {
  target.times_sent = std::max(target.times_sent, event.times_sent());
  target.sent_us = std::max(target.sent_us, event.time_us());
  if (target.boot_at_first_send.empty()) target.boot_at_first_send = event.boot_at_first_send();
  const bool waits =
      target.state == JobTargetState::kAtEdge || target.state == JobTargetState::kCancelling;
  if (!waits) {
    SaveTarget(context, target);
    return;
  }
  target.due_us = context.now_us() + int64_t{job.timeout_seconds} * kSecondUs;
  MoveTarget(context, job, target, JobTargetState::kSent);
}

// One edge less that may send it.
void OnHolderGone(ApplyContext& context, const JobRules& job, TargetRow& target, Kind kind) {
  if (CountHolders(context, target.device, target.number) > 0) return;
  if (target.state == JobTargetState::kCancelling) {
    EndTarget(context, job, target, JobTargetState::kCancelled);
  } else if (target.state == JobTargetState::kAtEdge) {
    // Where only the window has closed, it waits for the next one.
    if (kind == kExpired && target.window_end_us == 0) {
      target.error = "its time ran out before it was sent";
      EndTarget(context, job, target, JobTargetState::kExpired);
      return;
    }
    // The edge lost it unsent: it waits for the device's next check-in.
    ForgetNumber(target);
    target.due_us = job.not_after_us;
    MoveTarget(context, job, target, JobTargetState::kQueued);
  }
}

std::string DigestOf(const JobResult& result) {
  return Hash256(absl::StrCat(result.status(), "|", result.phase(), "|", result.output().size(),
                              "|", result.output(), "|", result.error()));
}

JobTargetState StateOf(const JobResult& result) {
  return result.status() == kOk ? JobTargetState::kSucceeded : JobTargetState::kFailed;
}

void TakeResult(ApplyContext& context, const JobRules& job, TargetRow& target,
                const JobResult& result) {
  target.result_digest = DigestOf(result);
  target.phase = result.phase();
  target.error = result.error();
  if (result.status() == kRefused && target.error.empty()) {
    target.error = "the agent refused to start it";
  }
  context.db.Run("UPDATE targets SET output = ?, output_cut = ? WHERE job = ? AND device = ?",
                 result.output(), result.cut(), KeyOf(target.job), KeyOf(target.device));
  const JobTargetState state = StateOf(result);
  // Its success is the next boot.
  if (state == JobTargetState::kSucceeded && job.ends_with == JobEnd::kReboot &&
      !HasRebooted(context, target)) {
    if (HasEnded(target.state)) return SaveTarget(context, target);
    target.due_us = context.now_us() + int64_t{job.timeout_seconds} * kSecondUs;
    MoveTarget(context, job, target, JobTargetState::kRunning);
    return;
  }
  EndTarget(context, job, target, state);
}

// A result of an attempt that was given up; the target has a newer number, or none yet.
void TakeEarlierAttempt(ApplyContext& context, const JobRules& job, TargetRow& target,
                        const JobResult& result) {
  // What ends with a reboot has no end to wait for in an attempt that was given up.
  const bool unclear = result.status() == kOk && job.ends_with == JobEnd::kReboot;
  const bool unsent = target.state == JobTargetState::kQueued ||
                      target.state == JobTargetState::kHeld ||
                      (target.state == JobTargetState::kAtEdge && target.times_sent == 0);
  if (!unclear && (unsent || Yields(target.state))) {
    TakeResult(context, job, target, result);
    return;
  }
  WriteEvent(context, target.device, "late-result",
             absl::StrCat("a result of number ", result.number(),
                          ", an earlier attempt of a job, came late"));
}

void KeepHighest(ApplyContext& context, DenseIndex index, uint64_t number) {
  DeviceCore core = context.devices.Core(index);
  if (number <= core.highest_reported) return;
  core.highest_reported = number;
  context.devices.SetCore(index, core);
  SaveCoreNumbers(context, index, core);
}

}  // namespace

void ReportJobEvent(ApplyContext& context, const JobEvent& event, DenseIndex index, uint16_t edge) {
  if (event.kind() != kSent) {
    context.db.Run("DELETE FROM holders WHERE device = ? AND number = ? AND edge = ?",
                   KeyOf(event.device_id()), event.number(), edge);
  }
  std::optional<TargetRow> target = LoadTargetByNumber(context, event.device_id(), event.number());
  if (!target.has_value() || target->number != event.number()) return;
  const std::optional<JobRules> job = LoadJob(context, target->job);
  if (!job.has_value()) return;
  switch (event.kind()) {
    case kSent:
      if (!HasEnded(target->state)) OnSent(context, *job, *target, event);
      break;
    case kTooLong:
      // Another edge may have sent it.
      if (target->state != JobTargetState::kAtEdge) break;
      target->phase = "send";
      target->error = "the script is too long for this router";
      EndTarget(context, *job, *target, JobTargetState::kFailed);
      break;
    case kRemoved:
    case kExpired:
      OnHolderGone(context, *job, *target, static_cast<Kind>(event.kind()));
      break;
    default:
      break;
  }
}

void ReportJobResult(ApplyContext& context, const JobResult& result, DenseIndex index) {
  KeepHighest(context, index, result.number());
  std::optional<TargetRow> target =
      LoadTargetByNumber(context, result.device_id(), result.number());
  if (!target.has_value()) {
    WriteEvent(context, result.device_id(), "orphan-result",
               absl::StrCat("a result came for number ", result.number(),
                            ", which this control plane does not know"));
    return;
  }
  const std::optional<JobRules> job = LoadJob(context, target->job);
  if (!job.has_value()) return;
  if (target->number != result.number()) {
    TakeEarlierAttempt(context, *job, *target, result);
  } else if (!HasEnded(target->state) || Yields(target->state)) {
    TakeResult(context, *job, *target, result);
  } else if (target->state == JobTargetState::kCancelled) {
    // An edge that was restarted had sent it, and did not know.
    WriteEvent(context, result.device_id(), "ran-although-cancelled",
               absl::StrCat("a result came for number ", result.number(), ", which was cancelled"));
    TakeResult(context, *job, *target, result);
  } else if (target->result_digest != DigestOf(result)) {
    WriteEvent(context, result.device_id(), "second-result",
               absl::StrCat("a differing second result came for number ", result.number(),
                            "; the first one stands"));
  }
}

}  // namespace muster::server
