#include "server/command_log/etcd/root_record.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {
namespace {

// Sealed as a whole: who can write to etcd must not give a new node a root of his own to trust.
constexpr absl::string_view kContext = "muster/cluster-root";

}  // namespace

absl::StatusOr<ClusterRoot> ReadClusterRoot(Etcd& etcd, const EtcdLogOptions& options) {
  ASSIGN_OR_RETURN(const EtcdAnswer answer, etcd.Get({RootKey(options)}, options.call_timeout));
  if (!answer.kv.has_value()) {
    return absl::NotFoundError(absl::StrCat("etcd has no ", RootKey(options)));
  }
  const absl::StatusOr<Secret> plain = Open(options.keys->Newest(), kContext, answer.kv->value);
  ClusterRoot root;
  if (!plain.ok() || !root.ParseFromString(std::string(plain->Reveal()))) {
    return absl::DataLossError(
        absl::StrCat(RootKey(options), " in etcd was not written by a node, or under a newer key: ",
                     MissingKey(options.keys->newest_generation() + 1)));
  }
  return root;
}

absl::Status KeepClusterRoot(Etcd& etcd, const EtcdLogOptions& options, const ClusterRoot& root) {
  const std::string bytes = root.SerializeAsString();
  const absl::StatusOr<ClusterRoot> kept = ReadClusterRoot(etcd, options);
  if (kept.ok() && kept->SerializeAsString() == bytes) return absl::OkStatus();
  const bool may_write =
      kept.ok() || absl::IsNotFound(kept.status()) || absl::IsDataLoss(kept.status());
  if (!may_write) return kept.status();
  return etcd.Put(RootKey(options), Seal(options.keys->Newest(), kContext, bytes),
                  options.call_timeout);
}

}  // namespace muster::server
