// API keys: making, listing, revoking.
//
// An admin makes and revokes keys of their own organization up to the role admin; the role platform
// all of them.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; a change waits until it is applied.
// Errors:   InvalidArgument for terms that can't be; PermissionDenied for a role above the
//           caller's; NotFound for a key that the caller may not see.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "server/access/audited_call.h"
#include "server/access/authorizer.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

struct ApiKeyTerms {
  // Empty for the role platform.
  std::string organization;
  Role role = Role::kViewer;
  std::string display_name;
  // 0: never.
  int64_t expire_time_us = 0;
};

struct CreatedApiKey {
  ApiKey key;
  Secret text;
};

class KeyRing {
 public:
  KeyRing(const State& state, CommandLog& log, const Authorizer& authorizer,
          const Secret& master_key)
      : state_(state), log_(log), authorizer_(authorizer), master_key_(master_key) {}

  // Makes a key; its text is answered here and never again, except to a repetition under the same
  // request id. With call.validate_only the key has no id and no text, and nothing is made.
  absl::StatusOr<CreatedApiKey> Create(const Caller& caller, const AuditedCall& call,
                                       const ApiKeyTerms& terms);

  // `organization` none: all, which only the role platform may ask for.
  absl::StatusOr<std::vector<ApiKey>> List(const Caller& caller, OrganizationId organization,
                                           ApiKeyId after, size_t limit) const;

  // Refuses the key from now on; streams under it end within 5 s. Answers it as revoked; repeating
  // is harmless.
  absl::StatusOr<ApiKey> Revoke(const Caller& caller, const AuditedCall& call, ApiKeyId id);

 private:
  absl::StatusOr<OrganizationId> CheckTerms(const Caller& caller, const ApiKeyTerms& terms) const;

  const State& state_;
  CommandLog& log_;
  const Authorizer& authorizer_;
  const Secret& master_key_;
};

}  // namespace muster::server
