#include "server/access/authorizer.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/api_key_text.h"
#include "server/access/method_rules.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

bool IsInForce(const ApiKey& key, absl::Time now) {
  if (key.revoke_time_us != 0) return false;
  return key.expire_time_us == 0 || absl::ToUnixMicros(now) < key.expire_time_us;
}

}  // namespace

absl::StatusOr<Caller> Authorizer::Authenticate(absl::string_view authorization) const {
  constexpr absl::string_view kScheme = "bearer ";
  if (authorization.empty()) return NotAuthenticated("the call carries no API key");
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return NotAuthenticated("the authorization is not of the kind Bearer");
  }
  const absl::string_view text = authorization.substr(kScheme.size());
  if (!IdOfApiKey(text).has_value()) return NotAuthenticated("the API key is not valid");
  const std::optional<ApiKey> key = state_.FindApiKeyByHash(HashApiKey(text));
  if (!key.has_value() || !IsInForce(*key, state_.StateTime())) {
    return NotAuthenticated("the API key is not valid");
  }
  return Caller(key->id, key->role, key->organization);
}

absl::Status Authorizer::CheckMethod(const Caller& caller, absl::string_view method) const {
  const std::optional<Role> least = LeastRoleFor(method);
  if (!least.has_value()) return RoleTooLow(method, "that nobody has");
  if (caller.role() < *least) return RoleTooLow(method, RoleName(*least));
  return absl::OkStatus();
}

absl::StatusOr<OrganizationScope> Authorizer::Enter(const Caller& caller,
                                                    absl::string_view slug) const {
  const std::optional<Organization> organization =
      IsSlug(slug) ? state_.FindOrganizationBySlug(slug) : std::nullopt;
  if (!organization.has_value() ||
      (!caller.is_platform() && caller.organization() != organization->id)) {
    return UnknownResource(absl::StrCat("organizations/", slug));
  }
  return OrganizationScope(organization->id, organization->slug, caller);
}

absl::StatusOr<OrganizationScope> Authorizer::EnterOwn(const Caller& caller) const {
  const std::optional<Organization> organization = state_.FindOrganization(caller.organization());
  if (caller.is_platform() || !organization.has_value()) {
    return UnknownResource("organization of the key");
  }
  return OrganizationScope(organization->id, organization->slug, caller);
}

absl::Status Authorizer::StillValid(const Caller& caller) const {
  const std::optional<ApiKey> key = state_.FindApiKey(caller.key());
  if (!key.has_value() || !IsInForce(*key, state_.StateTime())) {
    return NotAuthenticated("the API key was revoked or has expired");
  }
  return absl::OkStatus();
}

}  // namespace muster::server
