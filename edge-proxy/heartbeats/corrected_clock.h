// This machine's clock plus the offset that the control plane gave in its Welcome. Check-ins of all
// edges are compared with each other and jobs have a time window, so one wrong edge clock must not
// make its devices look dead or deliver a job late.
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

  // May jump with the machine's clock and with each Welcome. Use Monotonic for deadlines.
  absl::Time Now() const override;
  absl::Duration Monotonic() const override { return clock_.Monotonic(); }

  // Replaces the offset; 0 before the first Welcome, and the last one while the control plane is
  // away.
  void SetOffset(absl::Duration offset);

 private:
  const Clock& clock_;
  std::atomic<int64_t> offset_us_{0};
};

}  // namespace muster::edge
