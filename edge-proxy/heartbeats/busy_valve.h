// Lets routers come less often while more beats come than this edge is meant to take: of each
// second's beats those above the limit are answered `W`, and their routers skip a while.
//
// The beat that is told to wait is taken all the same: it is here already, and what it says is
// news. Nothing is refused, because a refusal raises on the router, is logged there and counts as a
// failed post. The check-in promises the longer interval, so nobody is called offline meanwhile.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `clock` must outlive this object.
// Blocks:   never.
// Units:    whole seconds of the monotonic clock; a burst over a second's edge counts in both.
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
  // Agents take 31..3600. Routers that come no oftener than this anyway are not asked.
  static constexpr uint32_t kSkipSeconds = 120;

  // `beats_per_second` 0: never busy.
  BusyValve(const Clock& clock, uint32_t beats_per_second)
      : clock_(clock), beats_per_second_(beats_per_second) {}

  // Counts a beat; true: it is one too many for this second.
  // Those that are told to skip come back spread as they came: the valve halves a herd, it does not
  // line it up.
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
