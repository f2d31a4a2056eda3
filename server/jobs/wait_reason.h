// What a target waits for, in words for people.
//
// Threads:  pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/state/records.h"

namespace muster::server {

// Of a QUEUED target whose wait has a cause that can be named: its time, its wave, a maintenance
// window or a device that does not check in; else empty.
std::string WaitReason(const Job& job, const JobTarget& target, const Device& device,
                       const std::vector<MaintenanceWindow>& windows, absl::Time now);

// A moment in the zone of the window, as people write it there.
std::string WindowTime(const MaintenanceWindow& window, int64_t time_us);

}  // namespace muster::server
