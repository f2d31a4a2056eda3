#include "server/command_log/etcd/node_key.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster::server {

absl::StatusOr<BoxKeyPair> OpenNodeKey(const std::string& data_dir) {
  const std::string path = data_dir + "/node-key";
  const absl::StatusOr<Secret> kept = ReadSecretFile(path);
  if (kept.ok()) {
    const absl::string_view hex = kept->Reveal();
    const bool is_hex =
        hex.size() % 2 == 0 && std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit);
    absl::StatusOr<BoxKeyPair> keys =
        BoxKeyPairOf(Secret(is_hex ? absl::HexStringToBytes(hex) : std::string()));
    if (keys.ok()) return keys;
    return absl::FailedPreconditionError(
        absl::StrCat(path, " holds no key of a node; remove it, and the node makes another one"));
  }
  if (!absl::IsNotFound(kept.status())) return kept.status();
  BoxKeyPair keys = MakeBoxKeyPair();
  const Secret hex(absl::StrCat(absl::BytesToHexString(keys.private_key.Reveal()), "\n"));
  RETURN_IF_ERROR(WriteNewSecretFile(path, hex.Reveal()));
  return keys;
}

}  // namespace muster::server
