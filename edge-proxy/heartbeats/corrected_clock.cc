#include "edge-proxy/heartbeats/corrected_clock.h"

namespace muster::edge {

absl::Time CorrectedClock::Now() const {
  return clock_.Now() + absl::Microseconds(offset_us_.load(std::memory_order_relaxed));
}

void CorrectedClock::SetOffset(absl::Duration offset) {
  offset_us_.store(absl::ToInt64Microseconds(offset), std::memory_order_relaxed);
}

}  // namespace muster::edge
