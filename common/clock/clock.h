// Where time comes from, so that tests can set it.
//
// Threads:  safe to call from any thread.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace muster {

class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock; may jump.
  virtual absl::Time Now() const = 0;

  // Since an arbitrary start; never goes back, does not jump with the wall clock.
  virtual absl::Duration Monotonic() const = 0;
};

// The machine's clocks.
class SystemClock : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

// Stands still until it is told to move.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now) : now_(now) {}

  absl::Time Now() const override;
  absl::Duration Monotonic() const override;

  // Moves both clocks.
  void Advance(absl::Duration by);
  // Moves the wall clock alone, as an administrator or NTP does.
  void JumpTo(absl::Time now);

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster
