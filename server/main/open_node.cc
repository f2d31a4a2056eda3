#include "server/main/open_node.h"

#include <utility>

#include "common/status/status_macros.h"
#include "server/command_log/local/local_node.h"
#include "server/main/etcd_settings.h"

namespace muster::server {
absl::StatusOr<OpenedNode> OpenNode(const Settings& settings, const InstallationTerms& terms,
                                    Clock& clock) {
  OpenedNode opened;
  if (settings.etcd.empty()) {
    LocalNodeOptions options;
    options.data_dir = terms.data_dir;
    ASSIGN_OR_RETURN(opened.node, LocalNode::Open(options, clock));
    return opened;
  }
  EtcdNodeOptions options;
  options.data_dir = terms.data_dir;
  ASSIGN_OR_RETURN(options.etcd, EtcdTermsOf(settings));
  options.log.quota_bytes = static_cast<uint64_t>(settings.etcd_quota_mib) << 20;
  options.master_key = [&terms](bool new_cluster) { return OpenMasterKey(terms, new_cluster); };
  ASSIGN_OR_RETURN(std::unique_ptr<EtcdNode> node, EtcdNode::Open(options, clock));
  opened.member = node.get();
  opened.node = std::move(node);
  return opened;
}

}  // namespace muster::server
