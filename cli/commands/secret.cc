// Secrets for scripts. A value is typed unseen or read from a file or stdin, and never an argument:
// those are seen by all users of a machine. Nothing here can show one, as no call answers one.
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "muster/v1/script_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::SecretService;

absl::StatusOr<std::string> FullName(Session& session) {
  ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
  return absl::StrCat(organization, "/secrets/", ShortName(session.Text("NAME")));
}

// From a file, from stdin, or typed unseen; line breaks at the end don't count.
absl::StatusOr<Secret> ReadValue(Session& session) {
  const Console& console = session.console();
  // Twice typed is not asked for: a wrong value shows when a job uses it, and is replaced as
  // easily.
  if (!session.Has("file")) {
    return console.read_secret(absl::StrCat("value of ", session.Text("NAME"), ": "));
  }
  const std::string path = session.Text("file");
  std::ifstream file;
  std::istream* in = console.in;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return absl::InvalidArgumentError(absl::StrCat("--file: can't read ", path));
    in = &file;
  }
  std::string value((std::istreambuf_iterator<char>(*in)), std::istreambuf_iterator<char>());
  // `echo` and editors add one; a secret that ends with a line break can't be meant for RouterOS.
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  return Secret(std::move(value));
}

Outcome Set(Session& session) {
  muster::v1::SetSecretRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), FullName(session));
  ASSIGN_OR_RETURN(const Secret value, ReadValue(session));
  // An empty file is a mistake mostly: a script would set an empty password.
  if (value.empty()) return absl::InvalidArgumentError("the value is empty");
  request.set_value(std::string(value.Reveal()));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = SecretService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::SetSecretResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->SetSecret(context, request, &response);
  }));
  // The form in which scripts name it, and nothing of the value, not even its length.
  session.Note(absl::StrCat("scripts get it where they say {{secret:", ShortName(request.name()),
                            "}}; it is never shown again"));
  return ExitCode::kDone;
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = SecretService::NewStub(connection->channel());
  std::vector<muster::v1::Secret> secrets;
  muster::v1::ListSecretsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_page_size(1000);
  do {
    muster::v1::ListSecretsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListSecrets(context, request, &response);
    }));
    secrets.insert(secrets.end(), response.secrets().begin(), response.secrets().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  Report report;
  report.is_list = true;
  Table table = {"", {{"SECRET"}, {"CHANGED"}, {"CREATED"}}};
  for (const auto& secret : secrets) {
    table.rows.push_back({ShortName(secret.name()),
                          TimeCell(secret.has_update_time(), secret.update_time(), session.now()),
                          TimeCell(secret.has_create_time(), secret.create_time(), session.now())});
    report.names.push_back(secret.name());
    report.messages.push_back(&secret);
  }
  report.tables.push_back(std::move(table));
  return session.Show(report);
}

Outcome Delete(Session& session) {
  muster::v1::DeleteSecretRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), FullName(session));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = SecretService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::DeleteSecretResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->DeleteSecret(context, request, &response);
  }));
  session.Note(absl::StrCat("deleted secret ", ShortName(request.name())));
  return ExitCode::kDone;
}

}  // namespace

std::vector<Command> SecretCommands() {
  const Positional name = {"NAME", "letters, digits, _ . and -"};
  Command set{"secret", "set", "Keep a value that scripts name by {{secret:NAME}}, or replace it",
              {name},   {},    "",
              true,     Set};
  set.flags = {{"file", "FILE", "file with the value; - reads stdin [asks for it]"}};
  set.examples =
      "  muster secret set radius\n"
      "  pass show radius | muster secret set radius --file -\n"
      "  muster job run --where 'site = riga' --script '/radius set [find] "
      "secret={{secret:radius}}'";
  Command list{"secret", "list", "List secrets (never their values)", {}, {}, "", false, List};
  list.examples = "  muster secret list";
  Command remove{"secret", "delete", "Delete a secret that no open job needs", {name}, {}, "",
                 true,     Delete};
  remove.examples = "  muster secret delete radius";
  return {set, list, remove};
}

}  // namespace muster::cli
