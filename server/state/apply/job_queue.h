// The queue of a device and the moves of its targets: at most one job of a device lies between
// AT_EDGE and its end, and the head is released whenever it may be.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  job_rules_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/state/apply/context.h"
#include "server/state/records.h"

namespace muster::server {

inline constexpr int64_t kSecondUs = 1'000'000;
// An edge drops a job by itself at its not_after; this much later nobody has it any more.
inline constexpr int64_t kEdgeGraceUs = 60 * kSecondUs;
inline constexpr uint32_t kMaxAttempts = 3;
inline constexpr uint32_t kMaxTimesSent = 3;
inline constexpr int kMaxHolders = 3;
// A router that beats fast may report before its runner has stored the number that it was sent:
// only a beat this much later than the sending says that it was not started.
inline constexpr int64_t kStartMarginUs = 10 * kSecondUs;
// Numbers are state time, so a report this far ahead of it is none that a router can have been
// given, not even by a state that was restored from an old copy.
inline constexpr int64_t kMostAheadUs = 366 * int64_t{86'400} * kSecondUs;
// A step of fan-out or of Tick touches at most so many targets.
inline constexpr int kStep = 1'000;

// The rules of a job, without its script. A copy of the row as it was when it was loaded: what
// counts in waves (`failures`) is read where it is decided on, since an earlier target of the same
// step may have changed it.
struct JobRules {
  uint64_t id = 0;
  uint64_t organization = 0;
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
  bool idempotent = false;
  JobEnd ends_with = JobEnd::kResult;
  uint32_t timeout_seconds = 0;
  std::string expect_version;
  // All its members are known.
  bool sealed = false;
  // 0: no; 1: asked for, targets are being cancelled; 2: done.
  int cancelled = 0;
  // See job_waves.h; -1: any number of failures.
  uint32_t canary_count = 0;
  uint32_t batch_size = 0;
  int64_t max_failures = -1;
  // The open one, and what is to be done about waves.
  uint32_t wave = 0;
  int wave_due = 0;
  uint64_t members_done = 0;
  std::string stop_reason;
  // Brings agent text instead of a script: no number, no queue; see agent_upgrades.h.
  bool is_upgrade = false;
  bool ignore_windows = false;
  // Its script wants values or secrets.
  bool has_placeholders = false;
  // Its cancellation stops what runs.
  bool stop_running = false;

  bool has_waves() const { return canary_count > 0 || batch_size > 0; }
};
// Nullopt for a job that is not there, or was dropped after its 180 days.
std::optional<JobRules> LoadJob(ApplyContext& context, uint64_t job);

// A row of `targets`, without its output. A copy: whoever changes it saves it (SaveTarget,
// MoveTarget or EndTarget), and nobody else may have moved the same target in between.
struct TargetRow {
  uint64_t job = 0;
  uint64_t device = 0;
  uint64_t sequence = 0;
  JobTargetState state = JobTargetState::kQueued;
  uint64_t number = 0;
  uint32_t attempt = 1;
  bool cancel_wanted = false;
  // Its router is told to stop it.
  bool stop_wanted = false;
  int64_t due_us = 0;
  uint32_t times_sent = 0;
  int64_t sent_us = 0;
  std::string boot_at_first_send;
  // Newer beats that show it as ended, without a result.
  uint32_t silent_beats = 0;
  // When the first of them came.
  int64_t silent_us = 0;
  std::string result_digest;
  std::string phase;
  std::string error;
  // 0 in a job without waves.
  uint32_t wave = 0;
  // When the window closes in which its number was given; 0: none.
  int64_t window_end_us = 0;
  // The entry of its last change that watchers are told.
  uint64_t change_index = 0;

  // How long edges may send it.
  int64_t SendUntil(const JobRules& rules) const {
    return window_end_us == 0 ? rules.not_after_us : std::min(window_end_us, rules.not_after_us);
  }
};
std::optional<TargetRow> LoadTarget(ApplyContext& context, uint64_t job, uint64_t device);
// The target that number `number` was given to, in whatever attempt: its `number` may be a newer
// one by now. Numbers stay known as long as the job, so that a late result finds its way.
std::optional<TargetRow> LoadTargetByNumber(ApplyContext& context, uint64_t device,
                                            uint64_t number);

// Writes the row as it is now, with the time of the change; no change of state, and nobody is told.
void SaveTarget(ApplyContext& context, const TargetRow& target);

// Makes the row one without a number: nothing was sent, nothing was seen. Only where the old number
// can't start any more, or an operator has decided: the same script goes out again under a new one,
// and the router would run it twice.
void ForgetNumber(TargetRow& target);

// Puts a new target (state QUEUED or HELD, or ended at once) behind the device's queue. The job has
// counted it as queued since its member list was taken; that is put right here.
void AddTarget(ApplyContext& context, const JobRules& job, TargetRow& target);

// Moves the target to `state`, keeps counts, the device's queue and the job's end right, saves it
// and tells watchers. Leaves edges and queue alone; to the same state it only saves and tells.
void MoveTarget(ApplyContext& context, const JobRules& job, TargetRow& target,
                JobTargetState state);

// Ends the target (`state` is final), takes it from the edges, and releases the next of the device.
// The phase and error of the row are kept as the caller set them. The core of the device must be
// saved before: this reads it anew.
void EndTarget(ApplyContext& context, const JobRules& job, TargetRow& target, JobTargetState state);

// The outcome is unknown: a new attempt under a new number where the job is idempotent, its time
// has not run out, nothing holds or cancels it and there were fewer than 3; else LOST, which a late
// result still takes back.
void LoseTarget(ApplyContext& context, const JobRules& job, TargetRow& target,
                absl::string_view why);

// True where the router has it or may have: it was sent, or the router reported its number. False
// proves only that nobody has told us so.
bool MayHaveRun(ApplyContext& context, const TargetRow& target);

// False for a number that is nonsense: far ahead of state time and of all that was given. It is no
// floor for numbers and proves nothing: one broken report would otherwise leave the device without
// a number that can be given.
bool IsPlausibleNumber(const ApplyContext& context, const DeviceCore& core, uint64_t number);

// True where the router's newest check-in came more than the margin after `sent_us` and reports a
// lower number: it has not started this one.
bool ShowsNotStarted(const ApplyContext& context, const DeviceTable::Both& device, uint64_t number,
                     int64_t sent_us);

// Gives the head of the queue a number and to the edges that hear the device, if it may be: nothing
// else open, not held, not deleted, a window open, an edge known. Harmless to call at any time;
// called wherever one of these may have changed.
void ReleaseHead(ApplyContext& context, DenseIndex index);

// Lets `edge` hold the open job of the device too, if there is room (3 edges). Copies are harmless:
// the router starts a number once.
void AddHolder(ApplyContext& context, const TargetRow& target, uint16_t edge, int64_t not_after_us);

// Asks all edges to drop the target's number; answers how many still have it, those included that
// were asked before. 0: nobody can send it any more.
int RemoveFromEdges(ApplyContext& context, const TargetRow& target, int64_t not_after_us);
int CountHolders(ApplyContext& context, uint64_t device, uint64_t number);

// Cancels the target, now or once the edges have dropped it. False where it is too late: it was
// sent, and no newer beat shows that it was not started. After false the row is unsaved but for
// what the caller set.
bool CancelOne(ApplyContext& context, const JobRules& job, TargetRow& target);

// Where the router has it: tells the edges that hear the device to have it stopped, and keeps it
// from being sent again. False where there is nothing to stop. Repeating is harmless.
bool StopOne(ApplyContext& context, const JobRules& job, TargetRow& target);
// What the audit says of that many routers; empty for none.
std::string AlsoStopped(uint32_t count);

// Has `edge` answer `K` to the beat that says the target runs.
void TellStop(ApplyContext& context, const TargetRow& target, uint16_t edge);

// The edges that heard the device lately, the last one first; without those that are revoked.
std::vector<uint16_t> EdgesFor(ApplyContext& context, const StatusRow& row);

// Writes the numbers of the core (last given, highest, expected, held) to the devices table. The
// caller has set the core; both must say the same after each command, or a restart changes the
// state.
void SaveCoreNumbers(ApplyContext& context, DenseIndex index, const DeviceCore& core);

}  // namespace muster::server
