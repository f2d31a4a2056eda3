// Scripts that are kept under a name, and sealed secrets. A name is looked up when a job is made;
// the job keeps the text's hash, so that changing or deleting a script changes no job.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"
#include "server/state/apply/apply.h"

namespace muster::server {
namespace {

using internal::v1::SetScript;

constexpr size_t kMaxScriptBytes = size_t{64} << 10;
constexpr size_t kMaxDescriptionBytes = 1024;
constexpr size_t kMaxNameBytes = 63;
// The largest value, with nonce and tag.
constexpr size_t kMaxSealedBytes = 4096 + 64;
// Copies of unsent jobs that get a changed secret at once. Three for each of 20,000 devices; of
// what lies beyond, edges have the old value until they reconnect.
constexpr int kMostSentAgain = 60'000;

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
                  c == '-';
         });
}

bool Exists(ApplyContext& context, const char* sql, uint64_t organization, absl::string_view name) {
  Query query(context.db, sql, KeyOf(organization), name);
  return query.Step();
}

bool HasScript(ApplyContext& context, uint64_t organization, absl::string_view name) {
  return Exists(context, "SELECT 1 FROM library WHERE organization = ? AND name = ?", organization,
                name);
}

bool HasSecret(ApplyContext& context, uint64_t organization, absl::string_view name) {
  return Exists(context, "SELECT 1 FROM secrets WHERE organization = ? AND name = ?", organization,
                name);
}

void Audit(ApplyContext& context, uint64_t organization, absl::string_view collection,
           absl::string_view name, absl::string_view what) {
  WriteAudit(context,
             absl::StrCat(OrganizationName(context.db, organization), "/", collection, "/", name),
             organization, what);
}

// Edges fill the value in when they send the job, so those that have not sent it get it again. What
// was sent already keeps its value: edges take that one out of the output.
void SendAgain(ApplyContext& context, uint64_t organization, absl::string_view name) {
  Query query(context.db,
              "SELECT t.device, t.job, t.number, h.edge FROM job_secrets s "
              "JOIN jobs j ON j.id = s.job AND j.end_us = 0 "
              "JOIN targets t ON t.job = s.job AND t.state = 2 AND t.times_sent = 0 "
              "JOIN holders h ON h.device = t.device AND h.number = t.number AND h.removing = 0 "
              "WHERE s.organization = ? AND s.name = ? "
              "ORDER BY t.job, t.device, h.edge LIMIT ?",
              KeyOf(organization), name, kMostSentAgain);
  while (query.Step()) {
    context.Changed({.kind = ChangeKind::kJobPut,
                     .device = DeviceId{IdOf(query.Int(0))},
                     .job = JobId{IdOf(query.Int(1))},
                     .number = query.Unsigned(2),
                     .edge = context.edges.Get(static_cast<uint16_t>(query.Int(3))).id});
  }
}

absl::Status CheckScript(ApplyContext& context, const SetScript& command, bool exists) {
  if (!IsName(command.name()) || command.script().empty() ||
      command.script().size() > kMaxScriptBytes ||
      command.description().size() > kMaxDescriptionBytes) {
    return Malformed("script");
  }
  if (OrganizationName(context.db, command.organization_id()).empty()) {
    return UnknownThing("organization", absl::StrCat(command.organization_id()));
  }
  // Making and changing are one command: whether the name was free is known for certain only here.
  if (exists == command.must_exist()) return absl::OkStatus();
  return exists ? AlreadyThere("script", command.name()) : UnknownThing("script", command.name());
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const SetScript& command) {
  const bool exists = HasScript(context, command.organization_id(), command.name());
  if (auto status = CheckScript(context, command, exists); !status.ok()) return status;
  const std::string hash = Hash256(command.script());
  context.db.Run("INSERT OR IGNORE INTO scripts (hash, body) VALUES (?, ?)", Blob{hash},
                 Blob{command.script()});
  context.db.Run(
      "INSERT INTO library (organization, name, script_hash, description, create_us, update_us) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (organization, name) DO UPDATE SET "
      "script_hash = ?3, description = ?4, update_us = ?5",
      KeyOf(command.organization_id()), command.name(), Blob{hash}, command.description(),
      context.now_us());
  Audit(context, command.organization_id(), "scripts", command.name(),
        exists ? "changed the script" : "created the script");
  return internal::v1::Result();
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteScript& command) {
  if (!HasScript(context, command.organization_id(), command.name())) {
    return UnknownThing("script", command.name());
  }
  context.db.Run("DELETE FROM library WHERE organization = ? AND name = ?",
                 KeyOf(command.organization_id()), command.name());
  Audit(context, command.organization_id(), "scripts", command.name(), "deleted the script");
  return internal::v1::Result();
}

ApplyResult Apply(ApplyContext& context, const internal::v1::SetSecret& command) {
  if (!IsName(command.name()) || command.sealed_value().empty() ||
      command.sealed_value().size() > kMaxSealedBytes) {
    return Malformed("secret");
  }
  if (OrganizationName(context.db, command.organization_id()).empty()) {
    return UnknownThing("organization", absl::StrCat(command.organization_id()));
  }
  const bool exists = HasSecret(context, command.organization_id(), command.name());
  context.db.Run(
      "INSERT INTO secrets (organization, name, sealed, create_us, update_us) "
      "VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (organization, name) DO UPDATE SET "
      "sealed = ?3, update_us = ?4",
      KeyOf(command.organization_id()), command.name(), Blob{command.sealed_value()},
      context.now_us());
  Audit(context, command.organization_id(), "secrets", command.name(),
        exists ? "changed the secret" : "created the secret");
  if (exists) SendAgain(context, command.organization_id(), command.name());
  return internal::v1::Result();
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteSecret& command) {
  if (!HasSecret(context, command.organization_id(), command.name())) {
    return UnknownThing("secret", command.name());
  }
  {
    Query query(context.db,
                // Jobs fetch the value when they go to an edge; without it they would fail there
                // one by one.
                "SELECT j.job FROM job_secrets j JOIN jobs t ON t.id = j.job "
                "WHERE j.organization = ? AND j.name = ? AND t.end_us = 0 ORDER BY j.job LIMIT 1",
                KeyOf(command.organization_id()), command.name());
    if (query.Step()) {
      return absl::FailedPreconditionError(
          absl::StrCat("job ", FormatId(IdOf(query.Int(0))),
                       " still needs the secret; cancel it, or wait until it has ended"));
    }
  }
  context.db.Run("DELETE FROM secrets WHERE organization = ? AND name = ?",
                 KeyOf(command.organization_id()), command.name());
  Audit(context, command.organization_id(), "secrets", command.name(), "deleted the secret");
  return internal::v1::Result();
}

}  // namespace muster::server
