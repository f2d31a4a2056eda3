#include "server/main/root_key.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "server/access/api_key_text.h"
#include "server/state/records.h"

namespace muster::server {
namespace {

internal::v1::CreateApiKey Describe(ApiKeyId id, absl::string_view text) {
  internal::v1::CreateApiKey create;
  create.set_api_key_id(id.value);
  create.set_role(static_cast<uint32_t>(Role::kPlatform));
  create.set_display_name("root key");
  create.set_key_hash(HashApiKey(text));
  return create;
}

}  // namespace

absl::StatusOr<internal::v1::CreateApiKey> MakeRootKey(const std::string& path) {
  // A first start that died after this file was written: the operator may have seen the path
  // already.
  const absl::StatusOr<Secret> kept = ReadSecretFile(path);
  if (kept.ok()) {
    const std::optional<ApiKeyId> id = IdOfApiKey(kept->Reveal());
    if (!id.has_value()) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " holds no API key, and the installation is new; move the file away"));
    }
    return Describe(*id, kept->Reveal());
  }
  if (!absl::IsNotFound(kept.status())) return kept.status();
  const NewApiKey made = MakeApiKey();
  const Secret line(absl::StrCat(made.text.Reveal(), "\n"));
  RETURN_IF_ERROR(WriteNewSecretFile(path, line.Reveal()));
  return Describe(made.id, made.text.Reveal());
}

void DropRootKey(const std::string& path) { unlink(path.c_str()); }

}  // namespace muster::server
