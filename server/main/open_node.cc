#include "server/main/open_node.h"

#include <utility>

#include "common/status/status_macros.h"
#include "server/command_log/local/local_node.h"

namespace muster::server {
namespace {

absl::StatusOr<EtcdTerms> TermsOf(const Settings& settings) {
  EtcdTerms terms;
  terms.urls = settings.etcd;
  terms.ca_file = settings.etcd_ca_file;
  terms.cert_file = settings.etcd_cert_file;
  terms.key_file = settings.etcd_key_file;
  terms.user = settings.etcd_user;
  if (!settings.etcd_password_file.empty()) {
    ASSIGN_OR_RETURN(terms.password, ReadSecretFile(settings.etcd_password_file));
  }
  return terms;
}

}  // namespace

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
  ASSIGN_OR_RETURN(options.etcd, TermsOf(settings));
  options.log.quota_bytes = static_cast<uint64_t>(settings.etcd_quota_mib) << 20;
  options.master_key = [&terms](bool new_cluster) { return OpenMasterKey(terms, new_cluster); };
  ASSIGN_OR_RETURN(std::unique_ptr<EtcdNode> node, EtcdNode::Open(options, clock));
  opened.member = node.get();
  opened.node = std::move(node);
  return opened;
}

}  // namespace muster::server
