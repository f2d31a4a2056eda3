// Bootstrap, organizations and API keys. Of a key only the hash is here.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/router_roots.h"
#include "server/state/organization_key.h"

namespace muster::server {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kClusterIdBytes = 16;
constexpr size_t kMaxNameBytes = 256;
constexpr uint32_t kPlatform = 4;
constexpr size_t kMaxSealedKeyBytes = 256;

bool HasRow(Query& query) { return query.Step(); }

absl::Status CheckOrganization(ApplyContext& context,
                               const internal::v1::CreateOrganization& command) {
  if (command.organization_id() == 0 || !IsSlug(command.slug()) ||
      command.display_name().size() > kMaxNameBytes ||
      command.fallback_code_page() > kHighestCodePage) {
    return Malformed("organization");
  }
  Query query(context.db, "SELECT 1 FROM organizations WHERE slug = ? OR id = ? LIMIT 1",
              command.slug(), KeyOf(command.organization_id()));
  if (HasRow(query)) return AlreadyThere("organization", command.slug());
  return absl::OkStatus();
}

absl::Status CheckApiKey(ApplyContext& context, const internal::v1::CreateApiKey& command) {
  const bool platform = command.role() == kPlatform;
  if (command.api_key_id() == 0 || command.role() < 1 || command.role() > kPlatform ||
      command.key_hash().size() != kHashBytes || command.display_name().size() > kMaxNameBytes ||
      platform != (command.organization_id() == 0)) {
    return Malformed("API key");
  }
  if (!platform && OrganizationName(context.db, command.organization_id()).empty()) {
    return UnknownThing("organization", FormatId(command.organization_id()));
  }
  Query query(context.db, "SELECT 1 FROM api_keys WHERE id = ? OR key_hash = ? LIMIT 1",
              KeyOf(command.api_key_id()), Blob{command.key_hash()});
  if (HasRow(query)) return AlreadyThere("API key", FormatId(command.api_key_id()));
  return absl::OkStatus();
}

std::string KeyName(uint64_t id) { return absl::StrCat("apiKeys/", FormatId(id)); }

absl::string_view RoleWord(uint32_t role) {
  constexpr absl::string_view kWords[] = {"unknown", "viewer", "operator", "admin", "platform"};
  return kWords[role < std::size(kWords) ? role : 0];
}

}  // namespace

ApplyResult ApplyBootstrap(ApplyContext& context, const internal::v1::Bootstrap& command) {
  // The cluster id is what says that Bootstrap was applied; a second one would make all sealed keys
  // worthless.
  if (!context.node.cluster_id.empty()) {
    return absl::FailedPreconditionError("this installation was set up before");
  }
  if (command.cluster_id().size() != kClusterIdBytes || command.time_us() <= 0 ||
      command.root_api_key().role() != kPlatform) {
    return Malformed("bootstrap");
  }
  // All parts are checked before the first is written: they are one command.
  if (auto status = CheckApiKey(context, command.root_api_key()); !status.ok()) return status;
  if (auto status = CheckOrganization(context, command.default_organization()); !status.ok()) {
    return status;
  }
  context.node.cluster_id = command.cluster_id();
  context.node.feature_level = std::max(command.feature_level(), uint32_t{1});
  // The first Tick may be applied already; time never goes back.
  if (command.time_us() > context.node.state_time_us) {
    context.node.state_time_us = command.time_us();
  }
  for (const internal::v1::NamedBlob& blob : command.blobs()) {
    context.db.Run("INSERT OR REPLACE INTO blobs (name, value) VALUES (?, ?)", blob.name(),
                   Blob{blob.value()});
  }
  AddFirstRouterRoot(context);
  WriteAudit(context, "", 0, "set up this installation");
  if (auto done = Apply(context, command.default_organization()); !done.ok()) return done;
  return Apply(context, command.root_api_key());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::CreateOrganization& command) {
  if (auto status = CheckOrganization(context, command); !status.ok()) return status;
  context.db.Run(
      "INSERT INTO organizations (id, slug, display_name, create_us, code_page) "
      "VALUES (?, ?, ?, ?, ?)",
      KeyOf(command.organization_id()), command.slug(), command.display_name(), context.now_us(),
      std::max(command.fallback_code_page(), kNoCodePage));
  context.Changed({.kind = ChangeKind::kOrganization,
                   .organization = OrganizationId{command.organization_id()}});
  WriteAudit(context, absl::StrCat("organizations/", command.slug()), command.organization_id(),
             "created the organization");
  return ResultOf(command.organization_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::UpdateOrganization& command) {
  const int64_t key = KeyOf(command.organization_id());
  const std::string name = OrganizationName(context.db, command.organization_id());
  if (name.empty()) return UnknownThing("organization", FormatId(command.organization_id()));
  if (command.display_name().size() > kMaxNameBytes ||
      command.fallback_code_page() > kHighestCodePage) {
    return Malformed("organization");
  }
  std::vector<std::string> changed;
  if (command.has_display_name()) {
    context.db.Run("UPDATE organizations SET display_name = ? WHERE id = ?", command.display_name(),
                   key);
    changed.push_back("display name");
  }
  if (command.has_fallback_code_page()) {
    context.db.Run("UPDATE organizations SET code_page = ? WHERE id = ?",
                   std::max(command.fallback_code_page(), kNoCodePage), key);
    changed.push_back("code page");
  }
  context.Changed({.kind = ChangeKind::kOrganization,
                   .organization = OrganizationId{command.organization_id()}});
  WriteAudit(context, name, command.organization_id(),
             absl::StrCat("changed the organization's ", absl::StrJoin(changed, ", ")));
  return ResultOf(command.organization_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::CreateOrganizationKey& command) {
  if (command.key_id() == 0 || command.sealed_key().empty() ||
      command.sealed_key().size() > kMaxSealedKeyBytes) {
    return Malformed("organization key");
  }
  const std::string name = OrganizationName(context.db, command.organization_id());
  if (name.empty()) return UnknownThing("organization", FormatId(command.organization_id()));
  const std::string blob = OrganizationKeyBlob(command.organization_id());
  Query query(context.db, "SELECT 1 FROM blobs WHERE name = ?", blob);
  if (HasRow(query)) return AlreadyThere("key of", name);
  internal::v1::CreateOrganizationKey kept;
  kept.set_organization_id(command.organization_id());
  kept.set_key_id(command.key_id());
  kept.set_sealed_key(command.sealed_key());
  context.db.Run("INSERT INTO blobs (name, value) VALUES (?, ?)", blob,
                 Blob{kept.SerializeAsString()});
  WriteAudit(context, name, command.organization_id(),
             "made the key that the organization's secrets are sealed under");
  return ResultOf(command.key_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::CreateApiKey& command) {
  if (auto status = CheckApiKey(context, command); !status.ok()) return status;
  context.db.Run(
      "INSERT INTO api_keys (id, organization, role, display_name, key_hash, create_us, "
      "expire_us, revoke_us) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
      KeyOf(command.api_key_id()), KeyOf(command.organization_id()), command.role(),
      command.display_name(), Blob{command.key_hash()}, context.now_us(), command.expire_time_us());
  context.Changed({.kind = ChangeKind::kApiKey});
  WriteAudit(context, KeyName(command.api_key_id()), command.organization_id(),
             absl::StrCat("created the API key with role ", RoleWord(command.role())));
  return ResultOf(command.api_key_id());
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RevokeApiKey& command) {
  uint64_t organization = 0;
  bool revoked = false;
  {
    Query query(context.db, "SELECT organization, revoke_us FROM api_keys WHERE id = ?",
                KeyOf(command.api_key_id()));
    const std::string name = KeyName(command.api_key_id());
    if (!query.Step()) return UnknownThing("API key", name);
    organization = IdOf(query.Int(0));
    revoked = query.Int(1) != 0;
    // 0 is the platform, which may revoke any.
    if (command.organization_id() != 0 && command.organization_id() != organization) {
      return UnknownThing("API key", name);
    }
  }
  // The first time stays.
  if (revoked) return ResultOf(command.api_key_id());
  context.db.Run("UPDATE api_keys SET revoke_us = ? WHERE id = ?", context.now_us(),
                 KeyOf(command.api_key_id()));
  context.Changed({.kind = ChangeKind::kApiKey});
  WriteAudit(context, KeyName(command.api_key_id()), organization, "revoked the API key");
  return ResultOf(command.api_key_id());
}

}  // namespace muster::server
