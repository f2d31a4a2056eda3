#include "server/main/open_node.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/local/local_node.h"
#include "server/main/etcd_settings.h"
#include "server/main/fetch_state.h"
#include "server/pki/master_key.h"

namespace muster::server {
namespace {

absl::StatusOr<std::string> ReadPart(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (file && !text.str().empty()) return text.str();
  return absl::FailedPreconditionError(absl::StrCat("can't read the etcd file ", path));
}

}  // namespace

absl::StatusOr<internal::v1::NodeJoinSecrets> ReadJoinSecrets(const Settings& settings,
                                                              const std::string& master_key_file,
                                                              uint32_t key_generation) {
  if (settings.etcd.empty()) {
    return absl::FailedPreconditionError(
        "this node is alone, with its log beside its state: no other one can join it; see "
        "docs/cluster.md");
  }
  internal::v1::NodeJoinSecrets secrets;
  ASSIGN_OR_RETURN(const std::vector<Secret> masters, ReadMasterKeys(master_key_file));
  RETURN_IF_ERROR(CheckHasGeneration(master_key_file, masters, key_generation));
  secrets.set_master_key(std::string(masters.front().Reveal()));
  for (size_t i = 1; i < masters.size(); ++i) {
    secrets.add_later_master_keys(std::string(masters[i].Reveal()));
  }
  for (const std::string& url : settings.etcd) secrets.add_etcd_urls(url);
  ASSIGN_OR_RETURN(*secrets.mutable_etcd_ca(), ReadPart(settings.etcd_ca_file));
  ASSIGN_OR_RETURN(*secrets.mutable_etcd_certificate(), ReadPart(settings.etcd_cert_file));
  ASSIGN_OR_RETURN(*secrets.mutable_etcd_key(), ReadPart(settings.etcd_key_file));
  secrets.set_etcd_user(settings.etcd_user);
  if (!settings.etcd_password_file.empty()) {
    ASSIGN_OR_RETURN(const Secret password, ReadSecretFile(settings.etcd_password_file));
    secrets.set_etcd_password(std::string(password.Reveal()));
  }
  secrets.set_etcd_quota_mib(static_cast<uint32_t>(settings.etcd_quota_mib));
  return secrets;
}

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
  options.hash_every = static_cast<uint64_t>(settings.state_hash_every);
  options.master_keys = [&terms](bool new_cluster) { return OpenMasterKeys(terms, new_cluster); };
  options.keep_master_key = [file = MasterKeyFile(terms.data_dir, terms.master_key_file)](
                                uint32_t generation, const Secret& key) {
    return AddMasterKey(file, generation, key);
  };
  options.fetch_state = [&clock](const StateWish& wish) { return FetchState(wish, clock); };
  ASSIGN_OR_RETURN(std::unique_ptr<EtcdNode> node, EtcdNode::Open(options, clock));
  opened.member = node.get();
  opened.node = std::move(node);
  return opened;
}

}  // namespace muster::server
