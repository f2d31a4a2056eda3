// SPIFFE URIs of client certificates. The cluster id is part of the URI, so that an edge of another
// installation is refused even by a root that somebody trusts by mistake.
#include "server/pki/peer.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/ids/ids.h"
#include "server/pki/cluster_keys.h"

namespace muster::server {
namespace {

constexpr absl::string_view kEdgeRole = "/edge/";
constexpr absl::string_view kJoinRole = "/join/";
constexpr absl::string_view kNodeRole = "/node/";
constexpr absl::string_view kNodeJoinRole = "/node-join/";

std::string Trust(absl::string_view cluster_id) {
  return absl::StrCat("spiffe://muster/", ClusterText(cluster_id));
}

}  // namespace

std::string SpiffeUri(absl::string_view cluster_id, const Peer& peer) {
  if (peer.role == PeerRole::kNode) return absl::StrCat(Trust(cluster_id), kNodeRole, peer.node_id);
  if (peer.role == PeerRole::kNodeJoin) {
    return absl::StrCat(Trust(cluster_id), kNodeJoinRole, peer.node_id);
  }
  return absl::StrCat(Trust(cluster_id), peer.role == PeerRole::kEdge ? kEdgeRole : kJoinRole,
                      peer.edge_id);
}

absl::StatusOr<Peer> ParseSpiffeUri(absl::string_view cluster_id, absl::string_view uri) {
  Peer peer;
  if (!absl::ConsumePrefix(&uri, Trust(cluster_id))) {
    return absl::PermissionDeniedError("the client certificate is not of this installation");
  }
  const bool joins = absl::ConsumePrefix(&uri, kNodeJoinRole);
  if (joins || absl::ConsumePrefix(&uri, kNodeRole)) {
    peer.role = joins ? PeerRole::kNodeJoin : PeerRole::kNode;
    // As it was written and in no other way: "007" and "+7" are no nodes.
    if (!absl::SimpleAtoi(uri, &peer.node_id) || uri != absl::StrCat(peer.node_id)) {
      return absl::PermissionDeniedError("the client certificate names no node");
    }
    return peer;
  }
  if (absl::ConsumePrefix(&uri, kEdgeRole)) {
    peer.role = PeerRole::kEdge;
  } else if (!absl::ConsumePrefix(&uri, kJoinRole)) {
    return absl::PermissionDeniedError("the client certificate is of an unknown role");
  }
  // Nothing may follow: "edge/a/b" is no edge.
  if (!IsSlug(uri)) return absl::PermissionDeniedError("the client certificate names no edge");
  peer.edge_id = std::string(uri);
  return peer;
}

}  // namespace muster::server
