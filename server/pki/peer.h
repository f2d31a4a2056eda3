// Who a client certificate stands for: its SPIFFE URI, spiffe://muster/CLUSTER/ROLE/EDGE,
// spiffe://muster/CLUSTER/node/NODE_ID, spiffe://muster/CLUSTER/node-join/TOKEN_ID.
//
// Threads:  pure functions; safe from any thread.
// Errors:   PermissionDenied for a URI that is not of this cluster or not of a known role.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

// kJoin may call Join and nothing else; kNode is another node of the cluster; kNodeJoin wants to
// become one, and may call RedeemJoinToken and nothing else.
enum class PeerRole { kEdge, kJoin, kNode, kNodeJoin };

struct Peer {
  PeerRole role = PeerRole::kJoin;
  std::string edge_id;
  // Of a node; decimal in the URI. Of kNodeJoin the token's.
  uint64_t node_id = 0;
};

std::string SpiffeUri(absl::string_view cluster_id, const Peer& peer);
absl::StatusOr<Peer> ParseSpiffeUri(absl::string_view cluster_id, absl::string_view uri);

}  // namespace muster::server
