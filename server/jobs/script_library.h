// Scripts that an organization keeps under names, and the secrets that they may name.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   on the state's tables; changes wait until they are applied.
// Errors:   InvalidArgument for a name, text or value that can't be; NotFound; AlreadyExists for a
//           script that is there; FailedPrecondition for a secret that a job still needs.
// Example:  tests/api/script_service_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/secrets/secrets.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

class ScriptLibrary {
 public:
  ScriptLibrary(const State& state, CommandLog& log, const Secret& master_key)
      : state_(state), log_(log), master_key_(master_key) {}

  // Answers a script; viewers get no text.
  absl::StatusOr<LibraryScript> Get(const OrganizationScope& scope, const std::string& name) const;
  // Lists by name, without text.
  std::vector<LibraryScript> List(const OrganizationScope& scope, const std::string& after,
                                  size_t limit) const;
  // Makes a script, or changes one (`must_exist`). Jobs that were made of it keep the text that
  // they had. AlreadyExists and NotFound are judged in apply, so that two makers at once can't both
  // win.
  absl::StatusOr<LibraryScript> Set(const OrganizationScope& scope, const AuditedCall& call,
                                    const LibraryScript& script, bool must_exist);
  absl::Status Delete(const OrganizationScope& scope, const AuditedCall& call,
                      const std::string& name);

  // Keeps the value sealed, or replaces it; it is never answered. The new value counts for what has
  // not gone to an edge yet.
  absl::StatusOr<SecretRecord> SetSecret(const OrganizationScope& scope, const AuditedCall& call,
                                         const std::string& name, const Secret& value);
  std::vector<SecretRecord> ListSecrets(const OrganizationScope& scope, const std::string& after,
                                        size_t limit) const;
  absl::Status DeleteSecret(const OrganizationScope& scope, const AuditedCall& call,
                            const std::string& name);

 private:
  const State& state_;
  CommandLog& log_;
  const Secret& master_key_;
};

}  // namespace muster::server
