// Statuses and identities at the border to gRPC, for the edge listener.
//
// Threads:  pure functions.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/pki/peer.h"

namespace muster::server {

// Same code, same message.
grpc::Status ToEdgeStatus(const absl::Status& status);

// Who calls, if its client certificate has `role`. Errors as EdgeOfPeer.
absl::StatusOr<Peer> PeerOf(const grpc::ServerContextBase& context, absl::string_view cluster_id,
                            PeerRole role);

// The edge that calls, if its client certificate has `role`. PermissionDenied for another role or
// another installation, Unauthenticated without an identity.
absl::StatusOr<std::string> EdgeOfPeer(const grpc::ServerContextBase& context,
                                       absl::string_view cluster_id, PeerRole role);

// When the client certificate of the call ends; the past where it can't be read.
// TLS checks a certificate at the handshake only, so a stream would outlive it: the session ends
// then.
absl::Time EndOfPeerCertificate(const grpc::ServerContextBase& context);

}  // namespace muster::server
