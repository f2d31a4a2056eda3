// The key pair of a node: new master keys of its cluster come to it sealed for the public half.
//
// File:     DATA/node-key: the private half in hex, mode 0600. It goes with the data directory; a
//           node that lost it makes another one, and tells the cluster.
// Threads:  pure function.
// Errors:   FailedPrecondition for a file that others can read or that holds no key.
// Example:  etcd_node_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/secrets/sealed_box.h"

namespace muster::server {

// Reads it; makes one where there is none.
absl::StatusOr<BoxKeyPair> OpenNodeKey(const std::string& data_dir);

}  // namespace muster::server
