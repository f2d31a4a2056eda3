// Every certificate is signed here, with terms of our own: a request contributes its public key and
// nothing else, whatever names and extensions it asks for.
#include "server/pki/certificate_issuer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/pki/public_url.h"

namespace muster::server {
namespace {

// The longest that common clients accept of a server (825 days); a new one with each start anyway.
constexpr absl::Duration kServerLifetime = absl::Hours(24 * 825);
// Short, because revocation is looked up in our state only: a stolen one ends by itself.
constexpr absl::Duration kClientLifetime = absl::Hours(24 * 30);
// Routers check no revocation: a leaf that leaks is good until it ends.
constexpr absl::Duration kRouterFacingLifetime = absl::Hours(24 * 90);
constexpr absl::Duration kJoinLifetime = absl::Hours(1);
// Clocks of edges and operators may be behind.
constexpr absl::Duration kClockSkew = absl::Minutes(10);
constexpr size_t kMaxCommonName = 64;

// A URL's host can be longer than X.509 lets a common name be; clients look at the alternative
// names where they are there.
std::string CommonNameFor(absl::string_view host, absl::string_view otherwise) {
  return std::string(host.size() <= kMaxCommonName ? host : otherwise);
}

std::string CommonNameOf(const Peer& peer) {
  if (peer.role == PeerRole::kNodeJoin) return "node join";
  return peer.role == PeerRole::kNode ? absl::StrCat("node ", peer.node_id) : peer.edge_id;
}

void AddUnique(std::vector<std::string>& list, absl::string_view value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.emplace_back(value);
}

absl::StatusOr<std::string> SignRouterFacing(absl::string_view request, const Authority& root,
                                             const CertificateTerms& terms) {
  ASSIGN_OR_RETURN(const std::string leaf, SignRequest(request, root.key, root.pem, terms));
  return leaf + root.pem;
}

}  // namespace

absl::StatusOr<Identity> CertificateIssuer::IssueServer(
    const std::vector<std::string>& advertised) const {
  CertificateTerms terms;
  terms.common_name = "musterd";
  terms.dns_names = {"localhost", std::string(kAnyNode)};
  terms.ip_addresses = {"127.0.0.1", "::1"};
  for (const std::string& name : advertised) {
    if (!IsAddress(name) && !IsDnsName(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--advertise \"", name, "\" must be a DNS name or an address"));
    }
    AddUnique(IsAddress(name) ? terms.ip_addresses : terms.dns_names, name);
  }
  terms.not_before = clock_.Now() - kClockSkew;
  terms.not_after = clock_.Now() + kServerLifetime;
  terms.for_server = true;
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::GenerateEcdsaP256());
  ASSIGN_OR_RETURN(const std::string request, MakeCertificateRequest(key, terms.common_name));
  ASSIGN_OR_RETURN(const std::string leaf,
                   SignRequest(request, keys_.cluster_root.key, keys_.cluster_root.pem, terms));
  ASSIGN_OR_RETURN(Secret key_pem, key.ToPem());
  return Identity{std::move(key_pem), leaf + keys_.cluster_root.pem};
}

absl::StatusOr<Identity> CertificateIssuer::IssueNode(uint64_t node_id) const {
  // As long as the node's own leaf: both are made anew at each start.
  return IssueClient({PeerRole::kNode, "", node_id}, kServerLifetime);
}

absl::StatusOr<Identity> CertificateIssuer::IssueNodeJoin(uint64_t token_id, absl::Time end) const {
  return IssueClient({PeerRole::kNodeJoin, "", token_id}, end - clock_.Now());
}

absl::StatusOr<Identity> CertificateIssuer::IssueJoin(absl::string_view edge_id) const {
  return IssueClient({PeerRole::kJoin, std::string(edge_id)}, kJoinLifetime);
}

absl::StatusOr<Identity> CertificateIssuer::IssueClient(const Peer& peer,
                                                        absl::Duration lifetime) const {
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::GenerateEcdsaP256());
  ASSIGN_OR_RETURN(const std::string request, MakeCertificateRequest(key, CommonNameOf(peer)));
  ASSIGN_OR_RETURN(std::string chain, SignClient(request, peer, lifetime));
  ASSIGN_OR_RETURN(Secret key_pem, key.ToPem());
  return Identity{std::move(key_pem), std::move(chain)};
}

absl::StatusOr<EdgeCertificates> CertificateIssuer::IssueEdge(absl::string_view edge_id,
                                                              absl::string_view public_url,
                                                              const EdgeRequests& requests) const {
  ASSIGN_OR_RETURN(const PublicUrl url, ParsePublicUrl(public_url));
  EdgeCertificates certificates;
  ASSIGN_OR_RETURN(
      certificates.client,
      SignClient(requests.client, {PeerRole::kEdge, std::string(edge_id)}, kClientLifetime));
  CertificateTerms terms;
  terms.common_name = CommonNameFor(url.host, edge_id);
  (url.host_is_address ? terms.ip_addresses : terms.dns_names).push_back(url.host);
  // A board without a battery begins at 1970 and must be able to join before it knows the time
  // (device-protocol, section 1).
  terms.not_before = absl::UnixEpoch();
  terms.not_after = clock_.Now() + kRouterFacingLifetime;
  terms.for_server = true;
  // Both kinds: what each RouterOS's /tool fetch takes is not known for certain, so the edge offers
  // both.
  ASSIGN_OR_RETURN(const Authority root, RouterRoot());
  ASSIGN_OR_RETURN(certificates.router_ecdsa, SignRouterFacing(requests.router_ecdsa, root, terms));
  ASSIGN_OR_RETURN(certificates.router_rsa, SignRouterFacing(requests.router_rsa, root, terms));
  certificates.cluster_root = keys_.cluster_root.pem;
  certificates.router_root = root.pem;
  return certificates;
}

absl::StatusOr<std::string> CertificateIssuer::SignClient(absl::string_view request,
                                                          const Peer& peer,
                                                          absl::Duration lifetime) const {
  CertificateTerms terms;
  terms.common_name = CommonNameOf(peer);
  terms.uris = {SpiffeUri(keys_.cluster_id, peer)};
  terms.not_before = clock_.Now() - kClockSkew;
  terms.not_after = clock_.Now() + lifetime;
  terms.for_client = true;
  ASSIGN_OR_RETURN(const std::string leaf,
                   SignRequest(request, keys_.cluster_root.key, keys_.cluster_root.pem, terms));
  return leaf + keys_.cluster_root.pem;
}

absl::StatusOr<Authority> CertificateIssuer::RouterRoot() const {
  if (roots_ == nullptr) return keys_.router_root;
  return roots_->Active();
}

absl::StatusOr<std::string> CertificateIssuer::RouterRootSha256() const {
  if (roots_ != nullptr) return roots_->ActiveSha256();
  ASSIGN_OR_RETURN(CertificateFacts facts, ReadCertificate(keys_.router_root.pem));
  return std::move(facts.sha256);
}

}  // namespace muster::server
