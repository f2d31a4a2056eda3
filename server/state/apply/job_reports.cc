// What edges and results prove of jobs: events of edges (sent, removed, expired, too long) and
// results of routers. All of it may come twice, late, or for an attempt that was given up, because
// edges and routers repeat until they are heard; so each step asks what the target is now.
#include "server/state/apply/job_reports.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"

namespace muster::server {
namespace {

using internal::v1::JobEvent;
using internal::v1::JobResult;

// muster.edge.v1.JobEventKind.
enum Kind : uint32_t { kSent = 1, kRemoved = 2, kExpired = 3, kTooLong = 4, kUnfit = 5 };
// muster.edge.v1.JobResultStatus.
enum Status : uint32_t { kOk = 1, kFailed = 2, kRefused = 3 };

// By absence: nobody knew better, so evidence that comes later takes its place.
bool Yields(JobTargetState state) {
  return state == JobTargetState::kExpired || state == JobTargetState::kLost;
}

// The router came back with another boot than the one in which it was sent.
// By the row, whose newest check-in may be of after or before the result: a result of the old boot
// that comes late finds the new one there already.
bool HasRebooted(ApplyContext& context, const TargetRow& target) {
  const auto both = context.devices.FindBoth(target.device);
  return both.has_value() && !target.boot_at_first_send.empty() && both->row.boot_hash != 0 &&
         both->row.boot_hash != BootHash(target.boot_at_first_send);
}

void OnSent(ApplyContext& context, const JobRules& job, TargetRow& target, const JobEvent& event) {
  // Maxima, because up to three edges report of their own sendings, in any order.
  target.times_sent = std::max(target.times_sent, event.times_sent());
  target.sent_us = std::max(target.sent_us, event.time_us());
  // The first one stays: a reboot is one since the first sending.
  if (target.boot_at_first_send.empty()) target.boot_at_first_send = event.boot_at_first_send();
  // CANCELLING too: the edge had sent it before it heard of the cancellation, and now only the
  // router's word counts.
  const bool waits =
      target.state == JobTargetState::kAtEdge || target.state == JobTargetState::kCancelling;
  if (!waits) {
    SaveTarget(context, target);
    return;
  }
  target.due_us = context.now_us() + int64_t{job.timeout_seconds} * kSecondUs;
  MoveTarget(context, job, target, JobTargetState::kSent);
}

// One edge less that may send it. When the last has let go, an unsent target is free: nobody can
// start its number any more. SENT and later are left alone, since the router has it.
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

// Tells a repetition of the same result from another result. The size stands between, so that no
// two outputs and errors read alike.
std::string DigestOf(const JobResult& result) {
  return Hash256(absl::StrCat(result.status(), "|", result.phase(), "|", result.output().size(),
                              "|", result.output(), "|", result.error()));
}

// What the agent posts of a job that it stopped.
constexpr absl::string_view kStoppedByAgent = "stopped";

bool WasStopped(const TargetRow& target, const JobResult& result) {
  return target.stop_wanted && result.status() == kFailed && result.error() == kStoppedByAgent;
}

JobTargetState StateOf(const TargetRow& target, const JobResult& result) {
  if (WasStopped(target, result)) return JobTargetState::kCancelled;
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
  // Beside the row that is carried around: outputs are up to 16 KiB, and no rule reads them.
  context.db.Run("UPDATE targets SET output = ?, output_cut = ? WHERE job = ? AND device = ?",
                 result.output(), result.cut(), KeyOf(target.job), KeyOf(target.device));
  if (WasStopped(target, result)) target.error = "stopped while it ran; what it had done stays";
  const JobTargetState state = StateOf(target, result);
  // Its success is the next boot. "ok" says only that the script came to its end; whether the
  // router comes back is what the operator asked. The timeout begins anew, and the digest is kept,
  // so that a repetition of this result changes nothing.
  if (state == JobTargetState::kSucceeded && job.ends_with == JobEnd::kReboot &&
      !HasRebooted(context, target)) {
    if (HasEnded(target.state)) return SaveTarget(context, target);
    target.due_us = context.now_us() + int64_t{job.timeout_seconds} * kSecondUs;
    MoveTarget(context, job, target, JobTargetState::kRunning);
    return;
  }
  // A failure needs no boot: the script stopped before it.
  EndTarget(context, job, target, state);
}

// A result of an attempt that was given up; the target has a newer number, or none yet. It counts
// while the newer attempt can still be called back, since the job is done then; it would be wrong
// once both may run.
void TakeEarlierAttempt(ApplyContext& context, const JobRules& job, TargetRow& target,
                        const JobResult& result) {
  // What ends with a reboot has no end to wait for in an attempt that was given up.
  const bool unclear = result.status() == kOk && job.ends_with == JobEnd::kReboot;
  const bool unsent = target.state == JobTargetState::kQueued ||
                      target.state == JobTargetState::kHeld ||
                      (target.state == JobTargetState::kAtEdge && target.times_sent == 0);
  // HELD counts as unsent: its edges were asked to drop it.
  if (!unclear && (unsent || Yields(target.state))) {
    TakeResult(context, job, target, result);
    return;
  }
  WriteEvent(context, target.device, EventKind::kLateResult,
             absl::StrCat("a result of number ", result.number(),
                          ", an earlier attempt of a job, came late"));
}

// A result proves that the number was started, though no check-in has said so yet; the next number
// must lie above it.
void KeepHighest(ApplyContext& context, DenseIndex index, uint64_t number) {
  DeviceCore core = context.devices.Core(index);
  if (number <= core.highest_reported || !IsPlausibleNumber(context, core, number)) return;
  core.highest_reported = number;
  context.devices.SetCore(index, core);
  SaveCoreNumbers(context, index, core);
}

}  // namespace

void ReportJobEvent(ApplyContext& context, const JobEvent& event, DenseIndex index, uint16_t edge) {
  // First of all, whatever the number is worth: the edge doesn't have it.
  if (event.kind() != kSent) {
    context.db.Run("DELETE FROM holders WHERE device = ? AND number = ? AND edge = ?",
                   KeyOf(event.device_id()), event.number(), edge);
  }
  std::optional<TargetRow> target = LoadTargetByNumber(context, event.device_id(), event.number());
  // Of an attempt that was given up: nothing is decided by it any more.
  if (!target.has_value() || target->number != event.number()) return;
  const std::optional<JobRules> job = LoadJob(context, target->job);
  if (!job.has_value()) return;
  switch (event.kind()) {
    case kSent:
      if (!HasEnded(target->state)) OnSent(context, *job, *target, event);
      break;
    case kTooLong:
    case kUnfit:
      // Another edge may have sent it.
      if (target->state != JobTargetState::kAtEdge) break;
      target->phase = "send";
      target->error = event.kind() == kTooLong
                          ? "the script is too long for this router"
                          : "a secret can't stand in its place in the script; put it in quotes";
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
  // The state was restored from an older copy, or the job was dropped after 180 days. Never another
  // job's: a number belongs to one target.
  if (!target.has_value()) {
    WriteEvent(context, result.device_id(), EventKind::kOrphanResult,
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
    // Evidence is stronger than what we believed when we cancelled: operators must see that it ran.
    // An edge that was restarted had sent it, and did not know.
    if (!WasStopped(*target, result)) {
      WriteEvent(
          context, result.device_id(), EventKind::kRanAlthoughCancelled,
          absl::StrCat("a result came for number ", result.number(), ", which was cancelled"));
    }
    TakeResult(context, *job, *target, result);
  } else if (target->result_digest != DigestOf(result)) {
    WriteEvent(context, result.device_id(), EventKind::kSecondResult,
               absl::StrCat("a differing second result came for number ", result.number(),
                            "; the first one stands"));
  }
}

}  // namespace muster::server
