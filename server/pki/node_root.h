// A certificate for a node that has no state yet, but the master key and the cluster root as it
// lies in etcd.
//
// Threads:  pure function.
// Errors:   DataLoss where the master key is not the one that sealed the root's key.
// Example:  fetched by musterd before it opens a state: server/main/fetch_state.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "server/pki/certificate_issuer.h"

namespace muster::server {

// As the state has it.
struct SealedClusterRoot {
  std::string cluster_id;
  std::string certificate_pem;
  std::string sealed_key;
};

// As CertificateIssuer::IssueNode.
absl::StatusOr<Identity> IssueFirstNode(const Secret& master, const SealedClusterRoot& root,
                                        uint64_t node_id, const Clock& clock);

}  // namespace muster::server
