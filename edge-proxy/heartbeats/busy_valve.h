// Lets routers come less often while more beats come than this edge is meant to take: of each
// second's beats those above the limit are answered `W`, and their routers skip a while.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `clock` must outlive this object.
// Blocks:   never.
// Example:  calls_test.cc.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"

namespace muster::edge {

class BusyValve {
 public:
  // How long a router skips its beats: four of the normal ones.
  static constexpr uint32_t kSkipSeconds = 120;

  // `beats_per_second` 0: never busy.
  BusyValve(const Clock& clock, uint32_t beats_per_second)
      : clock_(clock), beats_per_second_(beats_per_second) {}

  // Counts a beat; true: it is one too many for this second.
  bool CountBeat() {
    if (beats_per_second_ == 0) return false;
    const int64_t second = absl::ToInt64Seconds(clock_.Monotonic());
    MutexLock lock(mutex_);
    if (second != second_) beats_ = 0;
    second_ = second;
    return ++beats_ > beats_per_second_;
  }

 private:
  const Clock& clock_;
  const uint32_t beats_per_second_;
  Mutex mutex_;
  int64_t second_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t beats_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::edge
