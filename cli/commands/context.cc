// Contexts: servers by name. These commands only look at the file and never call a server, so they
// work when nothing else does. Key files are named here and never read.
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/connection/contexts.h"
#include "common/status/status_macros.h"
#include "google/protobuf/struct.pb.h"

namespace muster::cli {
namespace {

// The same choice as ResolveSettings, without its error for a context that isn't there: these
// commands are how that is mended.
absl::StatusOr<ContextFile> ReadFile(Session& session) {
  const auto& flags = session.arguments().global;
  return ReadContexts(flags.config.has_value()
                          ? *flags.config
                          : session.console()
                                .environment("MUSTER_CONFIG")
                                .value_or(DefaultContextPath(session.console().environment)));
}

absl::Status UnknownContext(const ContextFile& file, const std::string& name) {
  return absl::NotFoundError(absl::StrCat("there is no context \"", name, "\" in ", file.path,
                                          "; see: muster context list"));
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const ContextFile file, ReadFile(session));
  if (file.contexts.empty()) session.Note("no contexts yet; see: muster login --help");
  Report report;
  report.is_list = true;
  // Contexts are no messages of the API; a Struct gives them JSON and YAML by the same printer.
  // Sized before, since the report keeps addresses.
  std::vector<google::protobuf::Struct> messages(file.contexts.size());
  Table table = {"",
                 {{"CURRENT"},
                  {"CONTEXT"},
                  {"SERVER"},
                  {"ORGANIZATION"},
                  {"CA FILE", true},
                  {"API KEY FILE", true}},
                 {}};
  for (const auto& [name, context] : file.contexts) {
    const bool current = name == file.current;
    auto& message = messages[table.rows.size()];
    auto& fields = *message.mutable_fields();
    fields["name"].set_string_value(name);
    fields["current"].set_bool_value(current);
    fields["server"].set_string_value(context.server);
    fields["caFile"].set_string_value(context.ca_file);
    fields["apiKeyFile"].set_string_value(context.api_key_file);
    fields["organization"].set_string_value(context.organization);
    report.messages.push_back(&message);
    report.names.push_back(name);
    // A star for the eye, a word for CSV.
    table.rows.push_back({current ? Cell("*", "yes") : Cell(" "), name, context.server,
                          context.organization, context.ca_file, context.api_key_file});
  }
  report.tables.push_back(std::move(table));
  return session.Show(report);
}

// What the next command would use, and from where.
// With the flags and variables of this call: `muster context show --context lab` is how to look
// before acting.
Outcome Show(Session& session) {
  ASSIGN_OR_RETURN(const Settings* settings, session.settings());
  Report report;
  google::protobuf::Struct message;
  auto& fields = *message.mutable_fields();
  // Empty where no context is used.
  fields["context"].set_string_value(settings->context);
  Table table = {"",
                 {{"SETTING"}, {"VALUE"}, {"FROM"}},
                 {{"context", settings->context, settings->context_path}}};
  const auto add = [&](const char* title, const char* key, const Setting& setting) {
    fields[key].set_string_value(setting.value);
    table.rows.push_back({title, setting.value, setting.source});
  };
  add("server", "server", settings->server);
  add("ca-file", "caFile", settings->ca_file);
  add("api-key-file", "apiKeyFile", settings->api_key_file);
  add("organization", "organization", settings->organization);
  report.tables.push_back(std::move(table));
  report.messages = {&message};
  report.names = {settings->context};
  return session.Show(report);
}

Outcome Use(Session& session) {
  ASSIGN_OR_RETURN(ContextFile file, ReadFile(session));
  const std::string name = session.Text("CONTEXT");
  if (!file.contexts.contains(name)) return UnknownContext(file, name);
  file.current = name;
  RETURN_IF_ERROR(WriteContexts(file));
  session.Note(
      absl::StrCat("the current context is ", name, " (", file.contexts[name].server, ")"));
  return ExitCode::kDone;
}

Outcome Delete(Session& session) {
  ASSIGN_OR_RETURN(ContextFile file, ReadFile(session));
  const std::string name = session.Text("CONTEXT");
  if (!file.contexts.contains(name)) return UnknownContext(file, name);
  // The key stays: it may be the only copy, and another context may use the same file.
  const std::string key_file = file.contexts[name].api_key_file;
  file.contexts.erase(name);
  // And not another one instead: the next command must not go to a server that nobody chose.
  if (file.current == name) file.current.clear();
  RETURN_IF_ERROR(WriteContexts(file));
  session.Note(
      absl::StrCat("deleted context ", name,
                   key_file.empty() ? "" : absl::StrCat("; its key file stays: ", key_file)));
  return ExitCode::kDone;
}

Command Make(const char* verb, const char* summary, const char* examples,
             std::function<Outcome(Session&)> run) {
  Command command;
  command.noun = "context";
  command.verb = verb;
  command.summary = summary;
  command.examples = examples;
  command.run = std::move(run);
  return command;
}

}  // namespace

std::vector<Command> ContextCommands() {
  Command list = Make("list", "List the contexts", "  muster context list -o wide", List);
  Command show =
      Make("show", "Show the settings that commands would use, and where each comes from",
           "  muster context show", Show);
  Command use =
      Make("use", "Make a context the current one", "  muster context use production", Use);
  use.positionals = {{"CONTEXT", "name from: muster context list"}};
  Command remove =
      Make("delete", "Delete a context; its key file stays", "  muster context delete lab", Delete);
  remove.positionals = {{"CONTEXT", "name from: muster context list"}};
  // `muster context` alone lists, as with other programs that have contexts.
  Command bare = list;
  bare.verb.clear();
  return {bare, list, show, use, remove};
}

}  // namespace muster::cli
