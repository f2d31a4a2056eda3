// How often one device may call: a bucket of calls for each, which fills up with time.
//
// A token opens the door for one router. Stolen, it must not be worth more than that: without a
// pace it could post until the check-ins of other routers are dropped. Honest agents stay far
// below: a beat every second or two in fast mode, and again at once after each result while a queue
// drains, which the burst is for.
//
// Threads:  safe to call from any thread.
// Blocks:   never.
// Units:    32 bytes for each device that called within the last minute, none for the others.
// Example:  device_pace_test.cc.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"

namespace muster::edge {

struct PaceLimits {
  double calls_per_second = 2;
  // At once, after a pause that filled the bucket.
  int burst = 120;
};

class DevicePace {
 public:
  explicit DevicePace(const PaceLimits& limits = {})
      : step_us_(static_cast<int64_t>(1e6 / limits.calls_per_second)),
        burst_us_(step_us_ * limits.burst) {}

  // Takes one call from the device's bucket; false where it is empty, and then nothing is taken.
  // `now` is monotonic.
  bool Take(DeviceId device, absl::Duration now);

  // Devices whose buckets are not known to be full.
  size_t size() const;

 private:
  const int64_t step_us_;
  const int64_t burst_us_;
  mutable Mutex mutex_;
  // When each bucket will be full again, which says how empty it is now: one number a device.
  absl::flat_hash_map<DeviceId, int64_t> full_at_us_ ABSL_GUARDED_BY(mutex_);
  // Full buckets are thrown away when there are so many; the next time follows what is left, so
  // that a call pays for looking at two rows on average.
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 1024;
};

}  // namespace muster::edge
