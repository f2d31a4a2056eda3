// The number of a node in its cluster. It belongs to a data directory and goes with it: a node that
// begins anew is another one, so no number is used twice.
//
// File:     DATA/node-id: an id as common/ids writes it, mode 0600.
// Threads:  pure function.
// Errors:   FailedPrecondition for a file that others can write or that holds no id.
// Example:  etcd_node_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace muster::server {

// Reads it; makes one at random where there is none.
absl::StatusOr<uint64_t> OpenNodeId(const std::string& data_dir);

}  // namespace muster::server
