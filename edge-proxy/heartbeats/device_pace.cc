// A bucket as one number: a call moves the moment at which the bucket is full by one step, and may
// move it no further than a whole bucket from now.
#include "edge-proxy/heartbeats/device_pace.h"

#include <algorithm>

namespace muster::edge {
namespace {

constexpr size_t kLeastSweep = 1024;

}  // namespace

bool DevicePace::Take(DeviceId device, absl::Duration now) {
  const int64_t now_us = absl::ToInt64Microseconds(now);
  MutexLock lock(mutex_);
  if (full_at_us_.size() >= sweep_at_) {
    // A full bucket is as good as none.
    absl::erase_if(full_at_us_, [now_us](const auto& row) { return row.second <= now_us; });
    sweep_at_ = std::max(kLeastSweep, 2 * full_at_us_.size());
  }
  int64_t& full_at_us = full_at_us_[device];
  const int64_t next_us = std::max(full_at_us, now_us) + step_us_;
  if (next_us > now_us + burst_us_) return false;
  full_at_us = next_us;
  return true;
}

size_t DevicePace::size() const {
  MutexLock lock(mutex_);
  return full_at_us_.size();
}

}  // namespace muster::edge
