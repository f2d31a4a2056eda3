// Maintenance windows in apply: whether a device may start jobs now.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  windows_test.cc.
#pragma once

#include "absl/functional/function_ref.h"
#include "server/state/apply/job_queue.h"
#include "server/state/window_rules.h"

namespace muster::server {

// The windows of an organization that are `wanted`, by name; for apply and for readers alike. It is
// asked before the intervals are read.
std::vector<MaintenanceWindow> ReadWindows(
    Database& db, uint64_t organization, absl::FunctionRef<bool(const MaintenanceWindow&)> wanted);

// Whether the windows that are for the device let it start jobs now, by state time. Reads all
// windows of the organization: 500 at most.
WindowState WindowsOf(ApplyContext& context, uint64_t organization, uint64_t device);

}  // namespace muster::server
