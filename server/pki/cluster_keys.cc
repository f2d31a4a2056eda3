// Making, sealing and opening the keys of an installation. The context of each seal names kind and
// cluster, so that swapping two blobs in the database opens nothing.
#include "server/pki/cluster_keys.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

constexpr size_t kClusterIdBytes = 16;
constexpr size_t kTokenKeyBytes = 32;

std::string TokenKeyContext(absl::string_view cluster_id, uint32_t key_id) {
  return absl::StrCat("token-key/", ClusterText(cluster_id), "/", key_id);
}

absl::StatusOr<std::string> SealKey(const Secret& master, const std::string& context,
                                    const PrivateKey& key) {
  ASSIGN_OR_RETURN(const Secret pem, key.ToPem());
  return Seal(master, context, pem.Reveal());
}

absl::StatusOr<Authority> OpenAuthority(const Secret& master, const std::string& context,
                                        const std::string& sealed, const std::string& pem) {
  ASSIGN_OR_RETURN(const Secret key_pem, Open(master, context, sealed));
  ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(key_pem));
  return Authority{std::move(key), pem};
}

}  // namespace

std::string ClusterText(absl::string_view cluster_id) { return absl::BytesToHexString(cluster_id); }

std::string ClusterRootContext(absl::string_view cluster_id) {
  return absl::StrCat("cluster-root-key/", ClusterText(cluster_id));
}

std::string RouterRootContext(absl::string_view cluster_id, uint32_t number) {
  std::string context = absl::StrCat("router-root-key/", ClusterText(cluster_id));
  if (number > 1) absl::StrAppend(&context, "/", number);
  return context;
}

absl::StatusOr<Authority> MakeRoot(absl::string_view name, absl::string_view cluster_id,
                                   absl::Time not_before, absl::Time not_after) {
  ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::GenerateEcdsaP256());
  CertificateTerms terms;
  terms.common_name = absl::StrCat("Muster ", name, " root ", ClusterText(cluster_id).substr(0, 8));
  terms.not_before = not_before;
  terms.not_after = not_after;
  terms.is_authority = true;
  ASSIGN_OR_RETURN(std::string pem, SelfSign(key, terms));
  return Authority{std::move(key), std::move(pem)};
}

absl::StatusOr<ClusterKeys> GenerateClusterKeys(absl::Time now) {
  const std::string cluster_id = RandomBytes(kClusterIdBytes);
  // A day early, since clocks of edges and clients may be behind.
  ASSIGN_OR_RETURN(Authority cluster_root,
                   MakeRoot("cluster", cluster_id, now - absl::Hours(24), now + kRootLifetime));
  // From 1970 on: a board without a battery begins there.
  ASSIGN_OR_RETURN(Authority router_root,
                   MakeRoot("router", cluster_id, absl::UnixEpoch(), now + kRootLifetime));
  ClusterKeys keys{cluster_id, std::move(cluster_root), std::move(router_root), {}};
  keys.token_keys.push_back({1, RandomSecret(kTokenKeyBytes)});
  return keys;
}

absl::StatusOr<SealedClusterKeys> SealClusterKeys(const Secret& master, const ClusterKeys& keys) {
  SealedClusterKeys sealed;
  sealed.cluster_id = keys.cluster_id;
  sealed.cluster_root_pem = keys.cluster_root.pem;
  sealed.router_root_pem = keys.router_root.pem;
  ASSIGN_OR_RETURN(sealed.sealed_cluster_root_key,
                   SealKey(master, ClusterRootContext(keys.cluster_id), keys.cluster_root.key));
  ASSIGN_OR_RETURN(sealed.sealed_router_root_key,
                   SealKey(master, RouterRootContext(keys.cluster_id, 1), keys.router_root.key));
  for (const routeros::TokenKey& key : keys.token_keys) {
    sealed.token_keys.push_back(
        {key.key_id, Seal(master, TokenKeyContext(keys.cluster_id, key.key_id), key.key.Reveal())});
  }
  return sealed;
}

absl::StatusOr<ClusterKeys> OpenClusterKeys(const Secret& master, const SealedClusterKeys& sealed) {
  ASSIGN_OR_RETURN(Authority cluster_root,
                   OpenAuthority(master, ClusterRootContext(sealed.cluster_id),
                                 sealed.sealed_cluster_root_key, sealed.cluster_root_pem));
  ASSIGN_OR_RETURN(
      Authority router_root,
      OpenAuthority(master, RouterRootContext(sealed.cluster_id, sealed.router_root_number),
                    sealed.sealed_router_root_key, sealed.router_root_pem));
  ClusterKeys keys{sealed.cluster_id, std::move(cluster_root), std::move(router_root), {}};
  for (const SealedTokenKey& key : sealed.token_keys) {
    ASSIGN_OR_RETURN(Secret bytes,
                     Open(master, TokenKeyContext(sealed.cluster_id, key.key_id), key.sealed));
    keys.token_keys.push_back({key.key_id, std::move(bytes)});
  }
  return keys;
}

}  // namespace muster::server
