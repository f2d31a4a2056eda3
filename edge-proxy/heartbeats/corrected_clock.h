// This machine's clock plus the offset that the control plane gave.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `clock` must outlive this object.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock/clock.h"

namespace muster::edge {

class CorrectedClock : public Clock {
 public:
  explicit CorrectedClock(const Clock& clock) : clock_(clock) {}

  absl::Time Now() const override;
  absl::Duration Monotonic() const override { return clock_.Monotonic(); }

  void SetOffset(absl::Duration offset);

 private:
  const Clock& clock_;
  std::atomic<int64_t> offset_us_{0};
};

}  // namespace muster::edge
