#include "common/clock/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace muster {

absl::Time SystemClock::Now() const { return absl::Now(); }

absl::Duration SystemClock::Monotonic() const {
  // steady_clock: not moved by NTP or an administrator.
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

absl::Time FakeClock::Now() const {
  MutexLock lock(mutex_);
  return now_;
}

absl::Duration FakeClock::Monotonic() const {
  MutexLock lock(mutex_);
  return monotonic_;
}

// As time passes on a real machine: both, and alike.
void FakeClock::Advance(absl::Duration by) {
  MutexLock lock(mutex_);
  now_ += by;
  monotonic_ += by;
}

// The monotonic clock stays, as it would.
void FakeClock::JumpTo(absl::Time now) {
  MutexLock lock(mutex_);
  now_ = now;
}

}  // namespace muster
