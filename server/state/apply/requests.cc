// Request ids: a call that is repeated because its answer was lost gets the first answer. The
// outcome is written in the transaction of its effects, so there is no moment at which one is known
// and the other isn't.
#include "server/state/apply/requests.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"
#include "server/state/apply/apply.h"

namespace muster::server {
namespace {

using internal::v1::Command;

constexpr size_t kMaxRequestIdBytes = 64;

std::string ScopeOf(const Command& command) {
  return RequestScope(command.actor().organization_id(), command.actor().principal(),
                      command.method(), command.request().request_id());
}

std::optional<Outcome> FindEarlier(ApplyContext& context, const Command& command,
                                   const std::string& scope) {
  Query query(context.db, "SELECT digest, result FROM requests WHERE scope = ?", Blob{scope});
  if (!query.Step()) return std::nullopt;
  Outcome outcome;
  if (query.View(0) != absl::string_view(command.request().digest())) {
    outcome.status =
        absl::AlreadyExistsError(absl::StrCat("request id ", command.request().request_id(),
                                              " was used for another request; choose a new one"));
    return outcome;
  }
  const absl::string_view bytes = query.View(1);
  outcome.result.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  // Also after a restart, and on a node that did not take the first call.
  outcome.repeated = true;
  return outcome;
}

Outcome ApplyNow(ApplyContext& context, const Command& command) {
  Outcome outcome;
  ApplyResult result = ApplyCommand(context, command);
  if (result.ok()) {
    outcome.result = *std::move(result);
    // What the proposer showed once (a key, a join file), sealed, for the repetition to open.
    outcome.result.set_sealed_answer(command.request().sealed_answer());
  } else {
    outcome.status = result.status();
  }
  return outcome;
}

}  // namespace

std::string RequestScope(uint64_t organization, absl::string_view principal,
                         absl::string_view method, absl::string_view request_id) {
  // Lengths first, so that no two scopes read alike.
  return Hash256(absl::StrCat(organization, "|", principal.size(), "|", method.size(), "|",
                              principal, method, request_id));
}

Outcome ApplyOnce(ApplyContext& context, const Command& command) {
  if (command.request().request_id().empty()) return ApplyNow(context, command);
  if (command.request().request_id().size() > kMaxRequestIdBytes) {
    Outcome refused;
    refused.status = absl::InvalidArgumentError("the request id is longer than 64 characters");
    return refused;
  }
  const std::string scope = ScopeOf(command);
  if (auto earlier = FindEarlier(context, command, scope)) return *earlier;
  Outcome outcome = ApplyNow(context, command);
  // A refusal had no effect; the same call may succeed later.
  if (!outcome.status.ok()) return outcome;
  context.db.Run(
      "INSERT INTO requests (scope, digest, result, time_us, idx) VALUES (?, ?, ?, ?, ?)",
      Blob{scope}, Blob{command.request().digest()}, Blob{outcome.result.SerializeAsString()},
      context.now_us(), context.index);
  ++context.node.request_count;
  return outcome;
}

}  // namespace muster::server
