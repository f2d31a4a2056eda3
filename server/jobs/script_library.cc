#include "server/jobs/script_library.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/devices/device_directory.h"
#include "server/errors/errors.h"
#include "server/jobs/job_template.h"
#include "server/jobs/script_check.h"
#include "server/pki/organization_keys.h"
#include "server/state/script_variables.h"

namespace muster::server {
namespace {

constexpr size_t kLongestName = 63;
constexpr size_t kLongestSecret = 4096;

std::string NameOf(const OrganizationScope& scope, absl::string_view collection,
                   absl::string_view name) {
  return absl::StrCat(scope.name(), "/", collection, "/", name);
}

// These names stand in scripts and on command lines: nothing that would need quoting.
absl::Status CheckName(absl::string_view field, absl::string_view name) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
  };
  if (!name.empty() && name.size() <= kLongestName &&
      absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
      std::all_of(name.begin(), name.end(), fits)) {
    return absl::OkStatus();
  }
  return BadField(field,
                  "wants letters, digits, _ . and -, at most 63, a letter or digit at the begin");
}

// A digest of a value that somebody could guess must not lie beside its sealed form.
// The request's digest goes into the state in the clear; of a short password it would be as good as
// the password.
AuditedCall HideDigest(const Secret& master_key, AuditedCall call) {
  if (!call.request_digest.empty()) {
    call.request_digest = Hash256(KeyedHash128(master_key, call.request_digest));
  }
  return call;
}

}  // namespace

absl::StatusOr<LibraryScript> ScriptLibrary::Get(const OrganizationScope& scope,
                                                 const std::string& name) const {
  std::optional<LibraryScript> script = state_.FindLibraryScript(scope.id(), name);
  if (!script.has_value()) return UnknownResource(NameOf(scope, "scripts", name));
  if (!scope.caller().may_see_scripts()) script->body.clear();
  return *std::move(script);
}

std::vector<LibraryScript> ScriptLibrary::List(const OrganizationScope& scope,
                                               const std::string& after, size_t limit) const {
  return state_.ListLibraryScripts(scope.id(), after, limit);
}

absl::StatusOr<LibraryScript> ScriptLibrary::Set(const OrganizationScope& scope,
                                                 const AuditedCall& call,
                                                 const LibraryScript& script, bool must_exist) {
  RETURN_IF_ERROR(CheckName("script_id", script.name));
  RETURN_IF_ERROR(CheckScript(script.body));
  RETURN_IF_ERROR(CheckText("description", script.description, 1024, true));
  // A placeholder of unknown form is found when the script is kept, not when it is first needed.
  RETURN_IF_ERROR(JobTemplate::Read(script.body).status());
  if (call.validate_only) {
    const std::optional<LibraryScript> there = state_.FindLibraryScript(scope.id(), script.name);
    if (must_exist && !there.has_value())
      return UnknownResource(NameOf(scope, "scripts", script.name));
    if (!must_exist && there.has_value()) return NameTaken(NameOf(scope, "scripts", script.name));
    return script;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  auto& set = *command.mutable_set_script();
  set.set_organization_id(scope.id().value);
  set.set_name(script.name);
  set.set_script(script.body);
  set.set_description(script.description);
  set.set_must_exist(must_exist);
  const absl::StatusOr<Applied> applied = log_.Propose(std::move(command));
  if (absl::IsNotFound(applied.status())) {
    return UnknownResource(NameOf(scope, "scripts", script.name));
  }
  RETURN_IF_ERROR(applied.status());
  return Get(scope, script.name);
}

absl::Status ScriptLibrary::Delete(const OrganizationScope& scope, const AuditedCall& call,
                                   const std::string& name) {
  if (call.validate_only) return Get(scope, name).status();
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  command.mutable_delete_script()->set_organization_id(scope.id().value);
  command.mutable_delete_script()->set_name(name);
  const absl::Status status = log_.Propose(std::move(command)).status();
  return absl::IsNotFound(status) ? UnknownResource(NameOf(scope, "scripts", name)) : status;
}

absl::StatusOr<SecretRecord> ScriptLibrary::SetSecret(const OrganizationScope& scope,
                                                      const AuditedCall& call,
                                                      const std::string& name,
                                                      const Secret& value) {
  RETURN_IF_ERROR(CheckName("name", name));
  if (value.empty() || value.size() > kLongestSecret) {
    return BadField("value", absl::StrCat("wants 1 to ", kLongestSecret, " bytes"));
  }
  if (absl::StrContains(value.Reveal(), absl::string_view("\0", 1))) {
    return BadField("value", "holds a NUL byte, which RouterOS can't take");
  }
  if (call.validate_only) {
    const std::optional<SecretRecord> there = state_.FindSecret(scope.id(), name);
    return there.has_value() ? *there : SecretRecord{.name = name};
  }
  internal::v1::Command command =
      StartCommand(scope.caller(), scope.id(), HideDigest(master_key_, call));
  auto& set = *command.mutable_set_secret();
  set.set_organization_id(scope.id().value);
  set.set_name(name);
  // Sealed before it is proposed: the log never holds the value.
  ASSIGN_OR_RETURN(*set.mutable_sealed_value(),
                   SealForOrganization(state_, log_, master_key_, scope.id(),
                                       SecretContext(scope.id(), name), value.Reveal()));
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  std::optional<SecretRecord> record = state_.FindSecret(scope.id(), name);
  if (!record.has_value()) return UnknownResource(NameOf(scope, "secrets", name));
  return *std::move(record);
}

std::vector<SecretRecord> ScriptLibrary::ListSecrets(const OrganizationScope& scope,
                                                     const std::string& after, size_t limit) const {
  return state_.ListSecrets(scope.id(), after, limit);
}

absl::Status ScriptLibrary::DeleteSecret(const OrganizationScope& scope, const AuditedCall& call,
                                         const std::string& name) {
  if (call.validate_only) {
    if (!state_.FindSecret(scope.id(), name).has_value()) {
      return UnknownResource(NameOf(scope, "secrets", name));
    }
    const JobId job = state_.FindJobThatNeeds(scope.id(), name);
    return job ? SecretInUse(FormatId(job)) : absl::OkStatus();
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  command.mutable_delete_secret()->set_organization_id(scope.id().value);
  command.mutable_delete_secret()->set_name(name);
  const absl::Status status = log_.Propose(std::move(command)).status();
  return absl::IsNotFound(status) ? UnknownResource(NameOf(scope, "secrets", name)) : status;
}

}  // namespace muster::server
