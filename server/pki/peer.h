// Who a client certificate stands for: its SPIFFE URI, spiffe://muster/CLUSTER/ROLE/EDGE.
//
// Threads:  pure functions; safe from any thread.
// Errors:   PermissionDenied for a URI that is not of this cluster or not of a known role.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

// kJoin may call Join and nothing else.
enum class PeerRole { kEdge, kJoin };

struct Peer {
  PeerRole role = PeerRole::kJoin;
  std::string edge_id;
};

std::string SpiffeUri(absl::string_view cluster_id, const Peer& peer);
absl::StatusOr<Peer> ParseSpiffeUri(absl::string_view cluster_id, absl::string_view uri);

}  // namespace muster::server
