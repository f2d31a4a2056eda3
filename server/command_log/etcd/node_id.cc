#include "server/command_log/etcd/node_id.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"

namespace muster::server {

absl::StatusOr<uint64_t> OpenNodeId(const std::string& data_dir) {
  const std::string path = data_dir + "/node-id";
  const absl::StatusOr<Secret> kept = ReadSecretFile(path);
  if (kept.ok()) {
    const std::optional<uint64_t> id = ParseId(kept->Reveal());
    if (id.has_value() && *id != 0) return *id;
    return absl::FailedPreconditionError(absl::StrCat(
        path, " holds no node id; remove it, and the node begins anew under another one"));
  }
  if (!absl::IsNotFound(kept.status())) return kept.status();
  const uint64_t id = RandomId();
  RETURN_IF_ERROR(WriteNewSecretFile(path, absl::StrCat(FormatId(id), "\n")));
  return id;
}

}  // namespace muster::server
