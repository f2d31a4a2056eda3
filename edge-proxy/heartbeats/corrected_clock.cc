#include "edge-proxy/heartbeats/corrected_clock.h"

namespace muster::edge {

absl::Time CorrectedClock::Now() const {
  // Relaxed: a beat that reads the old offset a moment longer is stamped as the one before it was.
  return clock_.Now() + absl::Microseconds(offset_us_.load(std::memory_order_relaxed));
}

void CorrectedClock::SetOffset(absl::Duration offset) {
  offset_us_.store(absl::ToInt64Microseconds(offset), std::memory_order_relaxed);
}

}  // namespace muster::edge
