// The script library. What is in it is checked as a job's script is, so that a name can be run
// without another look.
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/commands/script_file.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/script_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Script;
using muster::v1::ScriptService;

// The last part of whatever was given, in the organization of the settings.
absl::StatusOr<std::string> FullName(Session& session) {
  ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
  return absl::StrCat(organization, "/scripts/", ShortName(session.Text("NAME")));
}

Report ScriptListReport(const std::vector<Script>& scripts, absl::Time now) {
  Report report;
  report.is_list = true;
  Table table = {"", {{"SCRIPT"}, {"DESCRIPTION", false, true}, {"CHANGED"}, {"CREATED", true}}};
  for (const Script& script : scripts) {
    table.rows.push_back({ShortName(script.name()), script.description(),
                          TimeCell(script.has_update_time(), script.update_time(), now),
                          TimeCell(script.has_create_time(), script.create_time(), now)});
    report.names.push_back(script.name());
    report.messages.push_back(&script);
  }
  report.tables.push_back(std::move(table));
  return report;
}

absl::StatusOr<Script> Fetch(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ScriptService::NewStub(connection->channel());
  muster::v1::GetScriptRequest request;
  request.set_name(name);
  muster::v1::GetScriptResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetScript(context, request, &response);
  }));
  return response.script();
}

Outcome Create(Session& session) {
  muster::v1::CreateScriptRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  // As typed: the server has the rule for names, and says it.
  request.set_script_id(session.Text("NAME"));
  ASSIGN_OR_RETURN(*request.mutable_script()->mutable_body(),
                   ReadScriptFile(session, "file", session.Text("file")));
  request.mutable_script()->set_description(session.Text("description"));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ScriptService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::CreateScriptResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CreateScript(context, request, &response);
  }));
  // The next thing that somebody wants to know, ready to be pasted.
  session.Note(absl::StrCat("run it with: muster job run --script-name ",
                            ShortName(response.script().name()), " --where FILTER"));
  const std::vector<Script> scripts = {response.script()};
  Report report = ScriptListReport(scripts, session.now());
  report.is_list = false;
  return session.Show(report);
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ScriptService::NewStub(connection->channel());
  std::vector<Script> scripts;
  muster::v1::ListScriptsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_page_size(1000);
  do {
    muster::v1::ListScriptsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListScripts(context, request, &response);
    }));
    scripts.insert(scripts.end(), response.scripts().begin(), response.scripts().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return session.Show(ScriptListReport(scripts, session.now()));
}

Outcome Get(Session& session) {
  ASSIGN_OR_RETURN(const std::string name, FullName(session));
  ASSIGN_OR_RETURN(const Script script, Fetch(session, name));
  Table table;
  table.vertical = true;
  table.columns = {{"Script"}, {"Description"}, {"Variables"}, {"Secrets"}, {"Changed"}};
  table.rows.push_back({ShortName(script.name()), script.description(),
                        absl::StrJoin(script.variables(), ", "),
                        absl::StrJoin(script.secrets(), ", "),
                        TimeCell(script.has_update_time(), script.update_time(), session.now())});
  Report report;
  report.tables.push_back(std::move(table));
  report.names = {script.name()};
  report.messages = {&script};
  // Below the table, as it will run, placeholders and all.
  report.text = script.body();
  return session.Show(report);
}

Outcome Set(Session& session) {
  if (!session.Has("file") && !session.Has("description")) {
    return absl::InvalidArgumentError("nothing to change; give --file or --description");
  }
  ASSIGN_OR_RETURN(const std::string name, FullName(session));
  muster::v1::UpdateScriptRequest request;
  // UpdateScript replaces both fields, so what is not given must be sent back as it is. Somebody
  // else's change in between is lost.
  ASSIGN_OR_RETURN(*request.mutable_script(), Fetch(session, name));
  if (session.Has("file")) {
    ASSIGN_OR_RETURN(*request.mutable_script()->mutable_body(),
                     ReadScriptFile(session, "file", session.Text("file")));
  }
  if (session.Has("description")) {
    request.mutable_script()->set_description(session.Text("description"));
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ScriptService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::UpdateScriptResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->UpdateScript(context, request, &response);
  }));
  const std::vector<Script> scripts = {response.script()};
  Report report = ScriptListReport(scripts, session.now());
  report.is_list = false;
  return session.Show(report);
}

Outcome Delete(Session& session) {
  muster::v1::DeleteScriptRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), FullName(session));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = ScriptService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::DeleteScriptResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->DeleteScript(context, request, &response);
  }));
  // Jobs hold a copy of the text; only new ones miss it.
  session.Note(absl::StrCat("deleted script ", ShortName(request.name()),
                            "; jobs that were made with it stay as they are"));
  return ExitCode::kDone;
}

}  // namespace

std::vector<Command> ScriptCommands() {
  const Positional name = {"NAME", "letters, digits, _ . and -"};
  // In the order of Command's fields; flags and examples follow where they are longer than a line.
  Command create{"script", "create", "Keep a script under a name, for job run --script-name",
                 {name},   {},       "",
                 true,     Create};
  create.flags = {{"file", "FILE", "file with the script; - reads stdin", true},
                  {"description", "TEXT", "what it is for, for people"}};
  create.examples = "  muster script create ntp --file ntp.rsc --description 'time servers'";
  Command list{"script", "list", "List the scripts of the library", {}, {}, "", false, List};
  list.examples = "  muster script list";
  Command get{"script", "get", "Show a script with what it wants filled in", {name}, {}, "",
              false,    Get};
  get.examples = "  muster script get ntp";
  Command set{"script", "set", "Change a script", {name}, {}, "", true, Set};
  set.flags = {{"file", "FILE", "file with the new text; - reads stdin"},
               {"description", "TEXT", "what it is for, for people"}};
  set.examples = "  muster script set ntp --file ntp.rsc";
  Command remove{"script", "delete", "Delete a script from the library", {name}, {}, "",
                 true,     Delete};
  remove.examples = "  muster script delete ntp";
  return {create, list, get, set, remove};
}

}  // namespace muster::cli
