// API keys. Who may make which is decided here, before anything is made: nobody gives more than
// they have, and nobody outside their organization.
#include "server/administration/key_ring.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/api_key_text.h"
#include "server/access/method_rules.h"
#include "server/devices/device_directory.h"
#include "server/errors/errors.h"

namespace muster::server {

absl::StatusOr<OrganizationId> KeyRing::CheckTerms(const Caller& caller,
                                                   const ApiKeyTerms& terms) const {
  RETURN_IF_ERROR(CheckText("api_key.display_name", terms.display_name, 128, false));
  // By state time, which decides when it expires.
  if (terms.expire_time_us != 0 && terms.expire_time_us <= absl::ToUnixMicros(state_.StateTime())) {
    return BadField("api_key.expire_time", "lies in the past");
  }
  if (terms.role == Role::kPlatform) {
    // Only platform makes platform; admins make anything up to admin, in their own organization.
    if (!caller.is_platform()) return RoleTooLow("making a key of the role platform", "platform");
    if (!terms.organization.empty()) {
      return BadField("api_key.organization", "must be empty for the role platform");
    }
    return OrganizationId{};
  }
  if (terms.organization.empty()) {
    return BadField("api_key.organization", "is needed for this role");
  }
  // Enter refuses strangers as if the organization were not there.
  ASSIGN_OR_RETURN(const OrganizationScope scope, authorizer_.Enter(caller, terms.organization));
  return scope.id();
}

absl::StatusOr<CreatedApiKey> KeyRing::Create(const Caller& caller, const AuditedCall& call,
                                              const ApiKeyTerms& terms) {
  ASSIGN_OR_RETURN(const OrganizationId organization, CheckTerms(caller, terms));
  if (call.validate_only) {
    CreatedApiKey checked;
    checked.key.organization = organization;
    checked.key.role = terms.role;
    checked.key.display_name = terms.display_name;
    checked.key.expire_time_us = terms.expire_time_us;
    return checked;
  }
  NewApiKey made = MakeApiKey();
  internal::v1::Command command = StartCommand(caller, organization, call);
  internal::v1::CreateApiKey* create = command.mutable_create_api_key();
  create->set_api_key_id(made.id.value);
  create->set_organization_id(organization.value);
  create->set_role(static_cast<uint32_t>(terms.role));
  create->set_display_name(terms.display_name);
  create->set_key_hash(made.hash);
  create->set_expire_time_us(terms.expire_time_us);
  KeepAnswer(master_key_, call, made.text.Reveal(), &command);
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  CreatedApiKey created;
  created.text = std::move(made.text);
  if (applied.repeated) {
    ASSIGN_OR_RETURN(created.text,
                     OpenKeptAnswer(master_key_, call, applied.result.sealed_answer()));
  }
  // Of the first call, where this is a repetition: `made` was thrown away then.
  const ApiKeyId id{applied.result.resource_id()};
  const std::optional<ApiKey> key = state_.FindApiKey(id);
  if (!key.has_value()) return UnknownResource(absl::StrCat("apiKeys/", FormatId(id)));
  created.key = *key;
  return created;
}

absl::StatusOr<std::vector<ApiKey>> KeyRing::List(const Caller& caller, OrganizationId organization,
                                                  ApiKeyId after, size_t limit) const {
  if (!organization && !caller.is_platform()) {
    return RoleTooLow("listing the keys of all organizations", "platform");
  }
  return state_.ListApiKeys(organization, after, limit);
}

absl::StatusOr<ApiKey> KeyRing::Revoke(const Caller& caller, const AuditedCall& call, ApiKeyId id) {
  const std::optional<ApiKey> key = state_.FindApiKey(id);
  // Also keys of the platform: an admin doesn't see them.
  if (!key.has_value() || (!caller.is_platform() && key->organization != caller.organization())) {
    return UnknownResource(absl::StrCat("apiKeys/", FormatId(id)));
  }
  if (call.validate_only) return *key;
  internal::v1::Command command = StartCommand(caller, key->organization, call);
  command.mutable_revoke_api_key()->set_api_key_id(id.value);
  // None for the platform, which may revoke any; apply compares it again.
  command.mutable_revoke_api_key()->set_organization_id(caller.organization().value);
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  const std::optional<ApiKey> after = state_.FindApiKey(id);
  if (!after.has_value()) return UnknownResource(absl::StrCat("apiKeys/", FormatId(id)));
  return *after;
}

}  // namespace muster::server
