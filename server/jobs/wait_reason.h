// What a target waits for, in words for people.
//
// Threads:  pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/state/records.h"

namespace muster::server {

// Says what a QUEUED target waits for, where the cause can be named: its wave, its time, a
// maintenance window or a device that does not check in, in this order; else empty. A view only:
// apply decides by the same rules (state/window_rules.h).
std::string WaitReason(const Job& job, const JobTarget& target, const Device& device,
                       const std::vector<MaintenanceWindow>& windows, absl::Time now);

// A moment in the zone of the window, as people write it there.
std::string WindowTime(const MaintenanceWindow& window, int64_t time_us);

}  // namespace muster::server
