// Who calls, and what they may do. Messages don't say whether a key is unknown, revoked or expired,
// nor whether an organization exists that the caller may not see: a stranger learns nothing by
// asking.
#include "server/access/authorizer.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/api_key_text.h"
#include "server/access/method_rules.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr absl::string_view kScheme = "bearer ";

// By state time, so that all nodes agree and a wrong clock of one revives no key.
bool IsInForce(const ApiKey& key, absl::Time now) {
  if (key.revoke_time_us != 0) return false;
  return key.expire_time_us == 0 || absl::ToUnixMicros(now) < key.expire_time_us;
}

}  // namespace

absl::StatusOr<Caller> Authorizer::Authenticate(absl::string_view authorization) const {
  if (authorization.empty()) return NotAuthenticated("the call carries no API key");
  // The scheme's case is free (RFC 7235).
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return NotAuthenticated("the authorization is not of the kind Bearer");
  }
  const absl::string_view text = authorization.substr(kScheme.size());
  if (!IdOfApiKey(text).has_value()) return NotAuthenticated("the API key is not valid");
  // Found by the hash of the whole text: the id in it is not believed.
  const std::optional<ApiKey> key = state_.FindApiKeyByHash(HashApiKey(text));
  if (!key.has_value() || !IsInForce(*key, state_.StateTime())) {
    return NotAuthenticated("the API key is not valid");
  }
  return Caller(key->id, key->role, key->organization);
}

bool Authorizer::HoldsKey(absl::string_view authorization) {
  return absl::StartsWithIgnoreCase(authorization, kScheme) &&
         IdOfApiKey(authorization.substr(kScheme.size())).has_value();
}

absl::Status Authorizer::CheckMethod(const Caller& caller, absl::string_view method) const {
  const std::optional<Role> least = LeastRoleFor(method);
  // A method that somebody added and forgot here is closed, not open.
  if (!least.has_value()) return RoleTooLow(method, "that nobody has");
  if (caller.role() < *least) return RoleTooLow(method, RoleName(*least));
  return absl::OkStatus();
}

absl::StatusOr<OrganizationScope> Authorizer::Enter(const Caller& caller,
                                                    absl::string_view slug) const {
  const std::optional<Organization> organization =
      // What is no slug is not even looked for.
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
  // By id, past the cache: streams ask every few seconds, calls each time.
  const std::optional<ApiKey> key = state_.FindApiKey(caller.key());
  if (!key.has_value() || !IsInForce(*key, state_.StateTime())) {
    return NotAuthenticated("the API key was revoked or has expired");
  }
  return absl::OkStatus();
}

}  // namespace muster::server
