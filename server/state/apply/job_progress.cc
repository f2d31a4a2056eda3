// What check-ins prove of jobs: each carries the number that the router started last and the one
// that runs. A check-in never carries a result, so what is said here is "it started", "it did not",
// or "it must have ended and nobody told us".
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/state/apply/holds.h"
#include "server/state/apply/job_reports.h"

namespace muster::server {
namespace {

using internal::v1::CheckIn;

// A check-in that waited longer at an edge came while results could not be taken either: it does
// not count as a beat without a result. (The edge answers 503 to results while the control plane is
// away, and takes check-ins.)
constexpr int64_t kLiveUs = 15 * kSecondUs;
// Device-protocol, section 6: one beat may overtake a result that is being posted.
constexpr uint32_t kSilentBeats = 2;
// Routers that beat faster than usual get time to post their result again.
constexpr int64_t kSilentUs = 10 * kSecondUs;

struct Beat {
  const CheckIn& check_in;
  int64_t time_us;
  bool live;
  // That took it.
  uint16_t edge;
};

// Keeps the numbers that the router reports; true where its state went back. What is expected is
// the last report, not the highest number: after an operator's resync a router lives on below the
// highest, and only a further step down is news.
bool TakeNumbers(ApplyContext& context, DenseIndex index, DeviceCore& core, uint64_t last) {
  if (last == core.expected_last) return false;
  const bool was_plausible = IsPlausibleNumber(context, core, core.expected_last);
  // After nonsense: what was believed last.
  const bool went_back = last < (was_plausible ? core.expected_last : core.highest_reported);
  if (!IsPlausibleNumber(context, core, last)) {
    core.expected_last = last;
    context.devices.SetCore(index, core);
    SaveCoreNumbers(context, index, core);
    // Once, however many of them follow.
    if (was_plausible) {
      WriteEvent(context, core.id, EventKind::kImpossibleNumber,
                 absl::StrCat("the router reports that it started ", last, ", which lies years ",
                              "ahead; it is not believed, but while the comment of scheduler ",
                              "muster-state says so, the router starts no job"));
    }
    return false;
  }
  // From a copy of the state that is older than the router (a restore), or from another
  // installation. It is no harm: numbers go on above it.
  if (last > core.last_given && last > core.highest_reported) {
    WriteEvent(context, core.id, EventKind::kUnknownNumber,
               absl::StrCat("the router reports that it started ", last,
                            ", which this control plane never gave"));
    DoubtRestored(context, index, last);
  }
  core.expected_last = last;
  // Also for a step down: `highest` never falls, and it is what keeps an old number from being
  // given or sent again.
  core.highest_reported = std::max(core.highest_reported, last);
  context.devices.SetCore(index, core);
  SaveCoreNumbers(context, index, core);
  return went_back;
}

// Once is a restore; again, while nothing could run, is two routers that report in turns. In
// between the number must have gone up (else it would not go down again), and nothing is released
// to a held device: so somebody else's report raised it.
void WentBack(ApplyContext& context, DenseIndex index, const DeviceCore& core, uint64_t last) {
  if (core.hold == HoldKind::kStateWentBack) {
    HoldAsClone(context, index, "two routers report different last jobs in turns");
    return;
  }
  if (core.hold == HoldKind::kClone) return;
  WriteEvent(context, core.id, EventKind::kRouterStateWentBack,
             absl::StrCat("the router reports ", last, " as its last job, but had reported ",
                          core.highest_reported, "; its jobs wait for an operator"));
  HoldDevice(context, index, HoldKind::kStateWentBack, "the router's state went back");
}

std::string DeviceVersion(ApplyContext& context, uint64_t device) {
  Query query(context.db, "SELECT facts FROM devices WHERE id = ?", KeyOf(device));
  internal::v1::Facts facts;
  if (!query.Step()) return "";
  const absl::string_view bytes = query.View(0);
  if (!facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return "";
  return facts.routeros_version();
}

// RouterOS adds words to its version: "7.15.3 (stable)".
// The space keeps "7.1" from standing for "7.15".
bool IsVersion(absl::string_view reported, absl::string_view expected) {
  return expected.empty() || reported == expected ||
         reported.substr(0, expected.size() + 1) == absl::StrCat(expected, " ");
}

// The new boot is the proof; the version, where one is expected, says whether the reboot did what
// it was for.
void EndByReboot(ApplyContext& context, const JobRules& job, TargetRow& target) {
  const std::string version = DeviceVersion(context, target.device);
  if (IsVersion(version, job.expect_version)) {
    // What a stop had said that came too late.
    target.error.clear();
    EndTarget(context, job, target, JobTargetState::kSucceeded);
    return;
  }
  target.phase = "run";
  target.error =
      absl::StrCat("came back with RouterOS ", version, ", expected ", job.expect_version);
  EndTarget(context, job, target, JobTargetState::kFailed);
}

// Evidence needs all of it: a beat newer than the sending, and two nonces that are known and
// differ. A small beat names no boot and proves nothing.
bool Rebooted(const TargetRow& target, const Beat& beat) {
  return target.times_sent > 0 && beat.time_us > target.sent_us &&
         !target.boot_at_first_send.empty() && !beat.check_in.boot().empty() &&
         beat.check_in.boot() != target.boot_at_first_send;
}

// The router has it, or had it: n <= last. In this order: a reboot decides at once, since a job in
// RAM is gone with it; then "it runs"; then silence, which needs two live beats at least 10 s
// apart.
void OnStarted(ApplyContext& context, const JobRules& job, TargetRow& target, const Beat& beat) {
  const bool runs = beat.check_in.running_number() == target.number;
  if (!runs && Rebooted(target, beat)) {
    if (job.ends_with == JobEnd::kReboot) {
      EndByReboot(context, job, target);
    } else if (target.stop_wanted) {
      target.error = "stopped: the router restarted, and no result came";
      EndTarget(context, job, target, JobTargetState::kCancelled);
    } else {
      LoseTarget(context, job, target, "the router rebooted before it reported a result");
    }
    return;
  }
  if (target.state != JobTargetState::kRunning && target.state != JobTargetState::kHeld) {
    target.due_us = context.now_us() + int64_t{job.timeout_seconds} * kSecondUs;
    target.silent_beats = 0;
    MoveTarget(context, job, target, JobTargetState::kRunning);
  }
  if (runs) {
    // Again with each beat: the edge that was told may have restarted.
    if (target.stop_wanted) TellStop(context, target, beat.edge);
    if (target.silent_beats == 0) return;
    target.silent_beats = 0;
    SaveTarget(context, target);
    return;
  }
  // It was taken while results were refused, so it says nothing about one that is missing.
  if (!beat.live) return;
  // Counted in the row, because a restart in between must not begin anew.
  if (++target.silent_beats == 1) target.silent_us = beat.time_us;
  const bool silent =
      target.silent_beats >= kSilentBeats && beat.time_us - target.silent_us >= kSilentUs;
  // What reboots has no result to send, and may beat once more before it goes down.
  if (!silent || (job.ends_with == JobEnd::kReboot && !target.stop_wanted)) {
    SaveTarget(context, target);
    return;
  }
  if (target.stop_wanted) {
    target.error = "stopped: the router runs it no longer, and no result came";
    EndTarget(context, job, target, JobTargetState::kCancelled);
    return;
  }
  LoseTarget(context, job, target, "the router ran it, but reported no result");
}

// The router says that it has not started it, after it was sent: the reply was lost, or its runner
// has not stored the number yet. Only a beat that is newer than the sending can say so.
void OnNotStarted(ApplyContext& context, const JobRules& job, TargetRow& target, const Beat& beat) {
  if (target.state != JobTargetState::kSent || beat.time_us <= target.sent_us) return;
  if (Rebooted(target, beat)) {
    LoseTarget(context, job, target, "the router rebooted after it was sent");
  } else if (target.cancel_wanted && beat.time_us - target.sent_us >= kStartMarginUs &&
             CountHolders(context, target.device, target.number) == 0) {
    // Nobody can send it again, and this beat proves that nobody started it: now it may be called
    // cancelled.
    target.error.clear();
    EndTarget(context, job, target, JobTargetState::kCancelled);
  } else if (target.times_sent >= kMaxTimesSent &&
             beat.time_us - target.sent_us >= kStartMarginUs) {
    LoseTarget(context, job, target,
               absl::StrCat("it was sent ", target.times_sent, " times and never started"));
  }
}

void OnOpenJob(ApplyContext& context, const DeviceCore& core, const Beat& beat, bool new_edge) {
  const std::optional<JobRules> job = LoadJob(context, core.open_job);
  std::optional<TargetRow> target = LoadTarget(context, core.open_job, core.id);
  if (!job.has_value() || !target.has_value()) return;
  // The steps below may give it another one, or none.
  const uint64_t number = target->number;
  const uint16_t edge = beat.edge;
  const uint64_t last = beat.check_in.last_number();
  const bool plausible = IsPlausibleNumber(context, core, last);
  if (beat.check_in.running_number() == number || (plausible && last >= number)) {
    OnStarted(context, *job, *target, beat);
  } else if (plausible) {
    OnNotStarted(context, *job, *target, beat);
  }
  // One that runs is not sent again, but its result will come there: the edge needs the job to take
  // its secrets out of the output.
  const bool open = target->state == JobTargetState::kAtEdge ||
                    target->state == JobTargetState::kSent ||
                    target->state == JobTargetState::kRunning;
  // A new attempt got its edges when it got its number.
  if (new_edge && open && target->number == number && !target->cancel_wanted) {
    AddHolder(context, *target, edge, target->SendUntil(*job));
  }
}

}  // namespace

void ReportCheckIn(ApplyContext& context, const DeviceTable::Taken& taken, const CheckIn& check_in,
                   int64_t time_us, int64_t age_us, uint16_t edge) {
  // Read anew: what came with this check-in may have held the device.
  DeviceCore core = context.devices.Core(taken.index);
  if (taken.change.new_edge) {
    context.Changed({.kind = ChangeKind::kDeviceAtEdge,
                     .organization = OrganizationId{core.organization},
                     .device = DeviceId{core.id},
                     .edge = context.edges.Get(edge).id});
  }
  // First: a router that went back must not be judged by its old job, nor get the next one.
  if (TakeNumbers(context, taken.index, core, check_in.last_number())) {
    WentBack(context, taken.index, core, check_in.last_number());
    return;
  }
  if (core.open_number != 0) {
    OnOpenJob(context, core, {check_in, time_us, age_us <= kLiveUs, edge}, taken.change.new_edge);
  }
  // At each check-in of a device with a queue, because what it waits for may have come without any
  // event: its time, a window, an edge that hears it.
  if (core.queued != 0) ReleaseHead(context, taken.index);
}

}  // namespace muster::server
