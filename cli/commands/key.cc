// API keys. The text of a new key goes to stdout alone, once; every other command knows keys by
// their id.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/api_key_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::ApiKey;
using muster::v1::ApiKeyService;

std::string RoleWord(muster::v1::Role role) {
  return EnumWord(muster::v1::Role_Name(role), "ROLE_");
}

// By the names of the API's enum, so a role that comes later needs no change here; UNSPECIFIED is
// one of them and means nothing.
absl::StatusOr<muster::v1::Role> ParseRole(const std::string& text) {
  muster::v1::Role role = muster::v1::ROLE_UNSPECIFIED;
  if (!muster::v1::Role_Parse(absl::StrCat("ROLE_", absl::AsciiStrToUpper(text)), &role) ||
      role == muster::v1::ROLE_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        absl::StrCat("--role: \"", text, "\" is no role; use viewer, operator, admin or platform"));
  }
  return role;
}

// Expired by this machine's clock, for the eye only: the server judges by its own time.
Cell StateCell(const ApiKey& key, absl::Time now) {
  Cell cell("active");
  cell.tone = Tone::kGood;
  if (key.has_revoke_time()) {
    cell.text = "revoked";
  } else if (key.has_expire_time() && ToTime(key.expire_time()) <= now) {
    cell.text = "expired";
  }
  if (cell.text != "active") cell.tone = Tone::kBad;
  return cell;
}

Report MakeReport(Session& session, const std::vector<ApiKey>& keys) {
  Report report;
  Table table = {"",
                 {{"KEY"},
                  {"NAME", false, true},
                  {"ROLE"},
                  {"ORGANIZATION", false, true},
                  {"STATE"},
                  {"EXPIRES"},
                  {"CREATED"},
                  {"REVOKED", true}}};
  const absl::Time now = session.now();
  for (const ApiKey& key : keys) {
    table.rows.push_back(
        {ShortName(key.name()), key.display_name(), RoleWord(key.role()),
         ShortName(key.organization()), StateCell(key, now),
         key.has_expire_time() ? TimeCell(true, key.expire_time(), now) : Cell("never"),
         TimeCell(key.has_create_time(), key.create_time(), now),
         TimeCell(key.has_revoke_time(), key.revoke_time(), now)});
    report.names.push_back(key.name());
    report.messages.push_back(&key);
  }
  report.tables.push_back(std::move(table));
  return report;
}

absl::StatusOr<muster::v1::CreateApiKeyRequest> MakeCreateRequest(Session& session) {
  muster::v1::CreateApiKeyRequest request;
  ApiKey* key = request.mutable_api_key();
  ASSIGN_OR_RETURN(const muster::v1::Role role, ParseRole(session.Text("role")));
  key->set_role(role);
  key->set_display_name(session.Text("NAME"));
  // A key of the platform belongs to no organization, whatever the settings say.
  if (role != muster::v1::ROLE_PLATFORM) {
    ASSIGN_OR_RETURN(*key->mutable_organization(), session.OrganizationName());
  }
  ASSIGN_OR_RETURN(const auto expires, session.Duration("expires"));
  // Counted from when it was asked for, so that a repetition is the same request.
  if (expires.has_value()) *key->mutable_expire_time() = ToTimestamp(session.asked_at() + *expires);
  return request;
}

Outcome Create(Session& session) {
  ASSIGN_OR_RETURN(muster::v1::CreateApiKeyRequest request, MakeCreateRequest(session));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ApiKeyService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::CreateApiKeyResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CreateApiKey(context, request, &response);
  }));
  const ApiKey& key = response.api_key();
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    // The answer holds the key's text in these formats too.
    session.console().protect_out();
    Report report;
    report.messages = {&response};
    return session.Show(report);
  }
  // Before the key, so that on a terminal the last line is the key itself.
  session.Note(
      absl::StrCat("key ", ShortName(key.name()), ", role ", RoleWord(key.role()),
                   key.organization().empty() ? "" : absl::StrCat(" in ", key.organization()),
                   "; it is shown only now, keep it in a file that only you can read"));
  return session.ShowSecret(response.key());
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ApiKeyService::NewStub(connection->channel());
  std::vector<ApiKey> keys;
  muster::v1::ListApiKeysRequest request;
  // All only when asked for: the server gives that to keys of the platform alone.
  if (!session.Switch("all-organizations")) {
    ASSIGN_OR_RETURN(*request.mutable_organization(), session.OrganizationName());
  }
  request.set_page_size(1000);
  do {
    muster::v1::ListApiKeysResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListApiKeys(context, request, &response);
    }));
    keys.insert(keys.end(), response.api_keys().begin(), response.api_keys().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  Report report = MakeReport(session, keys);
  report.is_list = true;
  return session.Show(report);
}

Outcome Revoke(Session& session) {
  // By id and not by name: two keys may be called the same, and revoking the wrong one locks
  // somebody out.
  ASSIGN_OR_RETURN(const std::string name, TopLevelName("apiKeys", session.Text("KEY")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ApiKeyService::NewStub(connection->channel());
  muster::v1::RevokeApiKeyRequest request;
  request.set_name(name);
  request.set_request_id(connection->request_id());
  muster::v1::RevokeApiKeyResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->RevokeApiKey(context, request, &response);
  }));
  // Shown as it is now, with the time at which it ended.
  const std::vector<ApiKey> keys = {response.api_key()};
  return session.Show(MakeReport(session, keys));
}

}  // namespace

std::vector<Command> KeyCommands() {
  Command create;
  create.noun = "key";
  create.verb = "create";
  create.summary = "Create an API key and print it, alone, on stdout";
  create.positionals = {{"NAME", "what it is for, for people", false}};
  create.flags = {{"role", "ROLE", "viewer, operator, admin or platform", true},
                  {"expires", "TIME", "lifetime, like 24h or 90d [never]"}};
  create.examples =
      "  muster key create ci --role operator --expires 90d > ci.key\n"
      "  muster key create --role viewer --organization acme";
  create.writes = true;
  create.run = Create;
  Command list;
  list.noun = "key";
  list.verb = "list";
  list.summary = "List API keys (never their text)";
  list.flags = {{"all-organizations", "", "keys of every organization and of the platform"}};
  list.examples = "  muster key list\n  muster key list --all-organizations -o wide";
  list.run = List;
  Command revoke;
  revoke.noun = "key";
  revoke.verb = "revoke";
  revoke.summary = "Revoke an API key; it is refused from then on";
  revoke.positionals = {{"KEY", "id from: muster key list"}};
  revoke.examples = "  muster key revoke 3f8k2m9x0c1va";
  revoke.writes = true;
  revoke.run = Revoke;
  return {create, list, revoke};
}

}  // namespace muster::cli
