// Says who calls and what they may do: the only maker of Caller and OrganizationScope.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `state` must outlive this object.
// Blocks:   keys come from memory; Enter reads one organization.
// Errors:   Unauthenticated for a missing, malformed, unknown, revoked or expired key (the message
//           doesn't tell which of the first four); PermissionDenied for a role that is too low;
//           NotFound for an organization that the caller may not see or that isn't there.
// Example:  tests/api/credential_matrix_test.cc.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/organization_scope.h"
#include "server/state/state.h"

namespace muster::server {

class Authorizer {
 public:
  explicit Authorizer(const State& state) : state_(state) {}

  // `authorization` is the value of that metadata key: "Bearer mk1....".
  // Reads state time, so that a key expires on all nodes at once.
  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) const;

  // Whether that holds a key by its form, so that another node may know it.
  static bool HoldsKey(absl::string_view authorization);

  // Ok where the caller's role is enough for `method`; see method_rules.h.
  // A method without a rule is refused to everybody.
  absl::Status CheckMethod(const Caller& caller, absl::string_view method) const;

  // The scope of organization `slug`: any for the role platform, else the caller's own.
  absl::StatusOr<OrganizationScope> Enter(const Caller& caller, absl::string_view slug) const;
  // The scope of the caller's own organization; NotFound for the role platform, which has none.
  absl::StatusOr<OrganizationScope> EnterOwn(const Caller& caller) const;

  // Ok while the caller's key is neither revoked nor expired: for streams, every few seconds.
  absl::Status StillValid(const Caller& caller) const;

 private:
  const State& state_;
};

}  // namespace muster::server
