// Where time comes from, so that tests can set it. Ask the wall clock only for what is written down
// or shown; everything that waits or measures uses Monotonic, since wall clocks jump (NTP, an
// administrator, a virtual machine that was paused).
//
// Threads:  safe to call from any thread.
// Blocks:   never.
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

// Without state: one for a program, or one where it is needed.
// The machine's clocks.
class SystemClock : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

// For tests: nothing waits on it, so a test moves time and then asks again.
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
