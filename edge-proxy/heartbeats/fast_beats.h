// Devices that an operator wants to hear often: for a while each of their beats that gets no job
// is answered `F`, so that the router beats every two seconds.
//
// Threads:  safe to call from any thread.
// Blocks:   never.
// Example:  calls_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"

namespace muster::edge {

class FastBeats {
 public:
  // What the protocol allows for one `F`.
  static constexpr uint32_t kMostSeconds = 300;
  // A router that is not heard for so long is not told any more.
  static constexpr absl::Duration kPatience = absl::Minutes(10);

  // `seconds` from the device's next beat on. A later wish replaces an earlier one.
  void Ask(DeviceId device, uint32_t seconds, absl::Time now) {
    MutexLock lock(mutex_);
    absl::erase_if(wishes_, [now](const auto& entry) { return entry.second.end <= now; });
    wishes_[device] =
        Wish{.seconds = std::min(seconds, kMostSeconds), .begun = false, .end = now + kPatience};
  }

  // How long the device that beats now is still to beat fast; 0: not at all.
  uint32_t SecondsLeft(DeviceId device, absl::Time now) {
    MutexLock lock(mutex_);
    const auto found = wishes_.find(device);
    if (found == wishes_.end()) return 0;
    Wish& wish = found->second;
    if (now >= wish.end) {
      wishes_.erase(found);
      return 0;
    }
    if (!wish.begun) {
      wish.begun = true;
      wish.end = now + absl::Seconds(wish.seconds);
    }
    // The router counts whole rounds of two seconds: less than one is over.
    const auto left = static_cast<uint32_t>(absl::ToInt64Seconds(wish.end - now));
    return left < 2 ? 0 : std::min(left, wish.seconds);
  }

 private:
  struct Wish {
    uint32_t seconds = 0;
    bool begun = false;
    // Of the fast beats, or before that of the waiting.
    absl::Time end;
  };

  Mutex mutex_;
  absl::flat_hash_map<DeviceId, Wish> wishes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
