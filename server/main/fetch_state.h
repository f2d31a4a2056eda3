// Gets another node's state over the network for a node that can't go on with its own: finds the
// nodes by their reports in etcd, and asks them with a certificate that this node makes itself.
//
// Threads:  one; blocks until the state is there, or nobody gives one.
// Errors:   as FetchSnapshot.
// Example:  tests/end_to_end/test_cluster_joining.py.
#pragma once

#include "absl/status/status.h"
#include "common/clock/clock.h"
#include "server/command_log/etcd/etcd_node.h"

namespace muster::server {

absl::Status FetchState(const StateWish& wish, const Clock& clock);

}  // namespace muster::server
