// Looks at the log and tells load balancers; ends the process where the log has stopped for good,
// or can go on only after a start.
//
// Threads:  one of its own; Stop and problem from any.
// Owns:     the thread; `log` must outlive it.
// Units:    a change is told within kLook.
// Example:  tests/end_to_end/test_cluster.py.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

class HealthWatch {
 public:
  static constexpr absl::Duration kLook = absl::Milliseconds(200);
  // Old reads are better than none, where no other node can be reached.
  static constexpr absl::Duration kBeforeFetch = absl::Seconds(10);

  // Calls `tell` with the first state and with each that differs from the one before. Where the log
  // has stopped, or needs a snapshot for kBeforeFetch, it calls `stop` once; what is wrong is in
  // problem() or needs_snapshot() by then.
  HealthWatch(const CommandLog& log, std::function<void(LogState)> tell,
              std::function<void()> stop);
  ~HealthWatch() { Stop(); }

  void Stop();

  // A start will fetch the state of another node.
  bool needs_snapshot() const;
  // Why the log has stopped; empty: it has not.
  std::string problem() const;

 private:
  void Run();

  const CommandLog& log_;
  const std::function<void(LogState)> tell_;
  const std::function<void()> stop_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool needs_snapshot_ ABSL_GUARDED_BY(mutex_) = false;
  std::string problem_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace muster::server
