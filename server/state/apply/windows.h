// Maintenance windows in apply: whether a device may start jobs now.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  windows_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"
#include "server/state/window_rules.h"

namespace muster::server {

// The windows of an organization, by name; for apply and for readers alike.
std::vector<MaintenanceWindow> ReadWindows(Database& db, uint64_t organization);

// Whether the windows that are for the device let it start jobs now, by state time. Reads all
// windows of the organization: 500 at most.
WindowState WindowsOf(ApplyContext& context, uint64_t organization, uint64_t device);

}  // namespace muster::server
