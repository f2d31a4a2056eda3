// Which engine the log has: the node alone, or one of several on etcd.
//
// Threads:  pure function.
// Blocks:   as LocalNode::Open and EtcdNode::Open.
// Errors:   as theirs; FailedPrecondition for a password file that others can read.
// Example:  daemon.cc.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "muster/internal/v1/node_join.pb.h"
#include "server/command_log/etcd/etcd_node.h"
#include "server/command_log/node/node.h"
#include "server/main/settings.h"
#include "server/pki/installation.h"

namespace muster::server {

struct OpenedNode {
  std::unique_ptr<Node> node;
  // The same, where it is one of several; else nullptr.
  EtcdNode* member = nullptr;
};

// What a node that joins needs to reach the same etcd and to read what lies there, read from the
// files as they are now. FailedPrecondition where this node is alone, or its master key file lacks
// the key of this generation.
absl::StatusOr<internal::v1::NodeJoinSecrets> ReadJoinSecrets(const Settings& settings,
                                                              const std::string& master_key_file,
                                                              uint32_t key_generation);

absl::StatusOr<OpenedNode> OpenNode(const Settings& settings, const InstallationTerms& terms,
                                    Clock& clock);

}  // namespace muster::server
