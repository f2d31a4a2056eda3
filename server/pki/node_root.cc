#include "server/pki/node_root.h"

#include <utility>

#include "common/status/status_macros.h"
#include "server/pki/cluster_keys.h"

namespace muster::server {

absl::StatusOr<Identity> IssueFirstNode(const Secret& master, const SealedClusterRoot& root,
                                        uint64_t node_id, const Clock& clock) {
  ASSIGN_OR_RETURN(const Secret pem,
                   Open(master, ClusterRootContext(root.cluster_id), root.sealed_key));
  ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(pem));
  const Authority authority{std::move(key), root.certificate_pem};
  // Nothing but the cluster root signs nodes; the other keys are not known here.
  const ClusterKeys keys{root.cluster_id, authority, authority, {}};
  return CertificateIssuer(keys, clock).IssueNode(node_id);
}

}  // namespace muster::server
