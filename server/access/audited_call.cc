#include "server/access/audited_call.h"

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

// Method and request id: a sealed answer of one call can't be shown as that of another.
std::string AnswerContext(const AuditedCall& call) {
  return absl::StrCat("answer/", call.method, "/", call.request_id);
}

}  // namespace

internal::v1::Command StartCommand(const Caller& caller, OrganizationId organization,
                                   const AuditedCall& call) {
  internal::v1::Command command;
  command.mutable_actor()->set_principal(caller.principal());
  command.mutable_actor()->set_organization_id(organization.value);
  command.set_method(call.method);
  // Without one nothing is remembered, and a repetition is a second change.
  if (!call.request_id.empty()) {
    command.mutable_request()->set_request_id(call.request_id);
    command.mutable_request()->set_digest(call.request_digest);
  }
  return command;
}

void KeepAnswer(const Secret& master_key, const AuditedCall& call, absl::string_view answer,
                internal::v1::Command* command) {
  // Nobody could ask for it again.
  if (!command->has_request()) return;
  command->mutable_request()->set_sealed_answer(Seal(master_key, AnswerContext(call), answer));
}

absl::StatusOr<Secret> OpenKeptAnswer(const Secret& master_key, const AuditedCall& call,
                                      absl::string_view sealed_answer) {
  return Open(master_key, AnswerContext(call), sealed_answer);
}

}  // namespace muster::server
