// Brings time into the log, and does what nobody asks for: expands jobs in steps.
//
// Threads:  one of its own.
// Owns:     nothing; all arguments must outlive it.
// Units:    a Tick each second of the monotonic clock.
// Example:  local_node_test.cc.
#pragma once

#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/store.h"
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
  // Proposes the first Tick and waits for it, so that state time is true from then on.
  Ticker(CommandLog& log, const Store& store, State& state, const Clock& clock);
  ~Ticker();

  // Ends the thread. Must be called before the log stops.
  void Stop();

 private:
  void Run();
  // Waits for the log, so that a log that hangs gets no pile of Ticks.
  void ProposeTick();
  // Step after step, at least one, until there is nothing left or it is `until` by the monotonic
  // clock; stops early with the thread.
  void ExpandJobs(absl::Duration until);

  CommandLog& log_;
  const Store& store_;
  const Clock& machine_;
  SlewedClock clock_;
  Mutex mutex_;
  ConditionVariable woken_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool jobs_changed_ ABSL_GUARDED_BY(mutex_) = true;
  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;
};

}  // namespace muster::server
