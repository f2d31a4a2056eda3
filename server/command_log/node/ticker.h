// Brings time into the log, and does what nobody asks for: expands jobs in steps.
//
// Threads:  one of its own.
// Owns:     nothing; all arguments must outlive it.
// Units:    a Tick each second of the monotonic clock.
// Example:  local_node_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/store.h"
#include "server/command_log/node/tick_duty.h"
#include "server/state/state.h"

namespace muster::server {

// The wall clock at start, carried on by the monotonic clock and drawn towards the wall clock by at
// most 1 ms at a time: a clock that is set anew under a running node makes no jump.
class SlewedClock {
 public:
  explicit SlewedClock(const Clock& clock);

  // Now by this clock; never before the last answer by more than the slew. One thread.
  absl::Time Next();

 private:
  const Clock& clock_;
  absl::Time time_;
  absl::Duration monotonic_;
};

class Ticker {
 public:
  // Proposes the first Tick and waits for it, so that state time is true from then on. With a
  // `duty`, does its work only while that is this node's; jobs it also expands while nobody's Ticks
  // come.
  Ticker(CommandLog& log, const Store& store, State& state, const Clock& clock,
         const TickDuty* duty = nullptr);
  ~Ticker();

  // Ends the thread. Must be called before the log stops.
  void Stop();

 private:
  void Run();
  bool IsMine();
  // True where this node shall expand jobs: it ticks, or nobody has for a while.
  bool IsExpander(bool mine);
  // Waits for the log, so that a log that hangs gets no pile of Ticks.
  void ProposeTick();
  // Step after step, at least one, until there is nothing left or it is `until` by the monotonic
  // clock; stops early with the thread.
  void ExpandJobs(absl::Duration until);

  CommandLog& log_;
  const Store& store_;
  const State& state_;
  const Clock& machine_;
  const TickDuty* const duty_;
  // Of the thread. Made anew when the duty comes to this node.
  std::optional<SlewedClock> clock_;
  absl::Time seen_time_;
  absl::Duration seen_at_;
  Mutex mutex_;
  ConditionVariable woken_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool jobs_changed_ ABSL_GUARDED_BY(mutex_) = true;
  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;
};

}  // namespace muster::server
