#include "server/pki/master_key.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/pki/cluster_keys.h"

namespace muster::server {
namespace {

constexpr size_t kMasterKeyBytes = 32;

}  // namespace

std::string MasterKeyFile(absl::string_view data_dir, absl::string_view named) {
  if (!named.empty()) return std::string(named);
  while (data_dir.size() > 1 && data_dir.back() == '/') data_dir.remove_suffix(1);
  return absl::StrCat(data_dir, ".master-key");
}

absl::StatusOr<Secret> ReadMasterKey(const std::string& path) {
  ASSIGN_OR_RETURN(const Secret text, ReadSecretFile(path));
  const absl::string_view hex = text.Reveal();
  bool valid = hex.size() == 2 * kMasterKeyBytes;
  for (const char c : hex) valid = valid && absl::ascii_isxdigit(c);
  if (!valid) {
    return absl::FailedPreconditionError(
        absl::StrCat("master key file ", path, " must hold 64 hex digits"));
  }
  return Secret(absl::HexStringToBytes(hex));
}

absl::StatusOr<Secret> MakeMasterKey(const std::string& path) {
  const Secret key = RandomSecret(kMasterKeyBytes);
  const Secret hex(absl::StrCat(absl::BytesToHexString(key.Reveal()), "\n"));
  RETURN_IF_ERROR(WriteNewSecretFile(path, hex.Reveal()));
  return key;
}

absl::Status ProveMasterKey(const Secret& master, absl::string_view cluster_id,
                            absl::string_view sealed_cluster_root_key) {
  return Open(master, ClusterRootContext(cluster_id), sealed_cluster_root_key).status();
}

}  // namespace muster::server
