// Signs every certificate of an installation.
//
// Lifetimes: musterd's own leaf 825 days (a new one at each start); an edge's client leaf 30 days
// and router-facing leaves 90 days (renewed by the edge); a join certificate one hour.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Errors:   InvalidArgument for a certificate request, name or URL that can't be used.
// Example:  certificate_issuer_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/x509/x509.h"
#include "server/pki/cluster_keys.h"
#include "server/pki/peer.h"
#include "server/pki/router_roots.h"

namespace muster::server {

// A private key and its chain, leaf first, root last.
struct Identity {
  Secret key_pem;
  std::string chain_pem;
};

// DER of PKCS#10 requests.
struct EdgeRequests {
  absl::string_view client;
  absl::string_view router_ecdsa;
  absl::string_view router_rsa;
};

// PEM chains, leaf first, root last; the roots alone.
struct EdgeCertificates {
  std::string client;
  std::string router_ecdsa;
  std::string router_rsa;
  std::string cluster_root;
  std::string router_root;
};

// The name that each node's certificate has besides its own, so that who holds a list of nodes
// checks whichever answers by it.
inline constexpr absl::string_view kAnyNode = "any-node.muster.internal";

class CertificateIssuer {
 public:
  // `roots` says which router root is the active one; none: that of `keys`, for ever.
  CertificateIssuer(const ClusterKeys& keys, const Clock& clock, const RouterRoots* roots = nullptr)
      : keys_(keys), clock_(clock), roots_(roots) {}

  // What musterd shows on both listeners: a new key; `advertised` names and addresses, beside
  // localhost and the loopback addresses.
  absl::StatusOr<Identity> IssueServer(const std::vector<std::string>& advertised) const;

  // What this node shows to other nodes when it calls them: a new key.
  absl::StatusOr<Identity> IssueNode(uint64_t node_id) const;

  // What a new node may call RedeemJoinToken with, until its join file ends.
  absl::StatusOr<Identity> IssueNodeJoin(uint64_t token_id, absl::Time end) const;

  // What an edge may call Join with, for one hour.
  absl::StatusOr<Identity> IssueJoin(absl::string_view edge_id) const;

  // What an edge is and shows: its client leaf, and the leaves for the host of `public_url`.
  absl::StatusOr<EdgeCertificates> IssueEdge(absl::string_view edge_id,
                                             absl::string_view public_url,
                                             const EdgeRequests& requests) const;

  // Fingerprint of the router root that edges get certificates of now, 64 lower-case hex digits.
  absl::StatusOr<std::string> RouterRootSha256() const;

  const ClusterKeys& keys() const { return keys_; }

 private:
  // Whatever a request asks for is ignored but its key: names and rights are ours.
  absl::StatusOr<std::string> SignClient(absl::string_view request, const Peer& peer,
                                         absl::Duration lifetime) const;
  // The same for a new key of ours.
  absl::StatusOr<Identity> IssueClient(const Peer& peer, absl::Duration lifetime) const;
  absl::StatusOr<Authority> RouterRoot() const;

  const ClusterKeys& keys_;
  const Clock& clock_;
  const RouterRoots* const roots_;
};

}  // namespace muster::server
