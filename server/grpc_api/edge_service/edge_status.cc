// Who calls is what the TLS layer has verified, never what a message says: hello names an edge too,
// but is believed only where it agrees with this.
#include "server/grpc_api/edge_service/edge_status.h"

#include <grpc/grpc_security_constants.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"

namespace muster::server {
namespace {

absl::string_view Holder(PeerRole role) {
  switch (role) {
    case PeerRole::kEdge:
      return "an edge that has joined";
    case PeerRole::kJoin:
      return "a join file";
    case PeerRole::kNode:
      return "a node of this cluster";
    case PeerRole::kNodeJoin:
      return "a node's join file";
  }
  return "";
}

}  // namespace

// Without google.rpc details, unlike the API's: the other end is our own program, which goes by the
// code and logs the message.
grpc::Status ToEdgeStatus(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

absl::StatusOr<Peer> PeerOf(const grpc::ServerContextBase& context, absl::string_view cluster_id,
                            PeerRole role) {
  const std::shared_ptr<const grpc::AuthContext> identity = context.auth_context();
  // gRPC gives the URI names of a verified certificate under this property. More than one would
  // leave it to us to choose who calls.
  const std::vector<grpc::string_ref> uris =
      identity == nullptr ? std::vector<grpc::string_ref>()
                          : identity->FindPropertyValues(GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  if (uris.size() != 1) {
    return absl::UnauthenticatedError("a client certificate with one SPIFFE URI is needed");
  }
  ASSIGN_OR_RETURN(Peer peer, ParseSpiffeUri(cluster_id, {uris[0].data(), uris[0].size()}));
  if (peer.role != role) {
    return absl::PermissionDeniedError(
        absl::StrCat("this call needs the certificate of ", Holder(role)));
  }
  return peer;
}

absl::StatusOr<std::string> EdgeOfPeer(const grpc::ServerContextBase& context,
                                       absl::string_view cluster_id, PeerRole role) {
  ASSIGN_OR_RETURN(Peer peer, PeerOf(context, cluster_id, role));
  return std::move(peer.edge_id);
}

absl::Time EndOfPeerCertificate(const grpc::ServerContextBase& context) {
  const std::shared_ptr<const grpc::AuthContext> identity = context.auth_context();
  if (identity == nullptr) return absl::InfinitePast();
  const std::vector<grpc::string_ref> chain =
      identity->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  // Read from the certificate itself: gRPC's context has no property for its end.
  if (chain.size() != 1) return absl::InfinitePast();
  const absl::StatusOr<CertificateFacts> facts =
      ReadCertificate({chain[0].data(), chain[0].size()});
  return facts.ok() ? facts->not_after : absl::InfinitePast();
}

}  // namespace muster::server
