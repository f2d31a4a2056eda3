// The end of a wait, on a clock that nobody sets: after a step of the machine's clock (NTP, an
// operator) a wait still takes as long as it was meant to.
//
// Threads:  a value.
// Example:
//   const Deadline deadline(timeout);
//   MutexLock lock(mutex_);
//   while (!done_ && !deadline.HasPassed()) changed_.WaitFor(mutex_, deadline.Left());
#pragma once

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace muster {

class Deadline {
 public:
  explicit Deadline(absl::Duration timeout)
      : end_(std::chrono::steady_clock::now() +
             absl::ToChronoNanoseconds(std::clamp(timeout, -kLongest, kLongest))) {}

  // Not positive once it has passed.
  absl::Duration Left() const { return absl::FromChrono(end_ - std::chrono::steady_clock::now()); }
  bool HasPassed() const { return Left() <= absl::ZeroDuration(); }

 private:
  // So that no sum overflows; as good as for ever.
  static constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 100);

  std::chrono::steady_clock::time_point end_;
};

}  // namespace muster
