// What a change carries besides its content: who asked, by which method, under which request id.
//
// Threads:  values and pure functions.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/access/organization_scope.h"

namespace muster::server {

struct AuditedCall {
  // "muster.v1.DeviceService/DeleteDevice"
  std::string method;
  // Chosen by the client, or empty: then repeating is not noticed.
  std::string request_id;
  // BLAKE2b-256 of the request without its request id.
  std::string request_digest;
  // Check everything, change nothing.
  bool validate_only = false;
};

// Makes a command without payload, with actor, method and request id. `organization` none: a change
// of the platform.
internal::v1::Command StartCommand(const Caller& caller, OrganizationId organization,
                                   const AuditedCall& call);

// Secrets that an answer shows once (a key's text, a join file) are kept sealed with the request
// id, so that a repetition gets the same answer. Does nothing where the call has no request id.
void KeepAnswer(const Secret& master_key, const AuditedCall& call, absl::string_view answer,
                internal::v1::Command* command);
// DataLoss where it doesn't open.
absl::StatusOr<Secret> OpenKeptAnswer(const Secret& master_key, const AuditedCall& call,
                                      absl::string_view sealed_answer);

}  // namespace muster::server
