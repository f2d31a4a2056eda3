// The keys that make an installation what it is: two roots, the token keys, the cluster id.
//
// Sealed form: the certificates and the cluster id are public; each private key is sealed under the
// master key with its own context ("cluster-root-key/CLUSTER", "router-root-key/CLUSTER" for the
// first and ".../NUMBER" for later ones, "token-key/CLUSTER/ID"), so that none can be put in
// another's place.
//
// Threads:  pure functions and values; safe from any thread.
// Errors:   DataLoss where the master key is not the one that sealed.
// Example:  cluster_keys_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "common/x509/x509.h"
#include "routeros/token/token.h"

namespace muster::server {

struct Authority {
  PrivateKey key;
  std::string pem;
};

struct ClusterKeys {
  // 16 random bytes.
  std::string cluster_id;
  // Nodes, edges and the API; edges and clients trust it.
  Authority cluster_root;
  // What routers trust (of several the one that was active when these keys were read; see
  // router_roots.h); not-before 1970-01-01, since a board without a clock begins there.
  Authority router_root;
  // The newest last; it seals new tokens, all of them open old ones.
  std::vector<routeros::TokenKey> token_keys;
};

struct SealedTokenKey {
  uint32_t key_id = 0;
  std::string sealed;
};

// ClusterKeys as the state stores them.
struct SealedClusterKeys {
  std::string cluster_id;
  std::string cluster_root_pem;
  std::string sealed_cluster_root_key;
  uint32_t router_root_number = 1;
  std::string router_root_pem;
  std::string sealed_router_root_key;
  std::vector<SealedTokenKey> token_keys;
};

// Longer than any board: replacing the router root means a new text on every router.
inline constexpr absl::Duration kRootLifetime = absl::Hours(24 * 365 * 30);

// "Muster NAME root CLUSTER"; the cluster keeps the roots of two installations apart on one router.
absl::StatusOr<Authority> MakeRoot(absl::string_view name, absl::string_view cluster_id,
                                   absl::Time not_before, absl::Time not_after);
// What the keys of the roots are sealed for.
std::string ClusterRootContext(absl::string_view cluster_id);
std::string RouterRootContext(absl::string_view cluster_id, uint32_t number);

// New ones, with one token key. The roots last 30 years from `now`.
absl::StatusOr<ClusterKeys> GenerateClusterKeys(absl::Time now);

absl::StatusOr<SealedClusterKeys> SealClusterKeys(const Secret& master, const ClusterKeys& keys);
absl::StatusOr<ClusterKeys> OpenClusterKeys(const Secret& master, const SealedClusterKeys& sealed);

// The cluster id as it stands in names: 32 lower-case hex digits.
std::string ClusterText(absl::string_view cluster_id);

}  // namespace muster::server
