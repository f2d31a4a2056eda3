// The shells' scripts are small and ask this program what fits, so that flags, verbs and names
// can't go out of date in them. Completion must never be in the way: one second for the server, no
// message, no exit code but 0, whatever is wrong with the settings.
#include "cli/commands/completion.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands/device_report.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/connection/contexts.h"
#include "common/event_kinds/event_kinds.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/claim_service.grpc.pb.h"
#include "muster/v1/cluster_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/organization_service.grpc.pb.h"
#include "muster/v1/router_root_service.grpc.pb.h"
#include "muster/v1/script_service.grpc.pb.h"
#include "muster/v1/window_service.grpc.pb.h"

namespace muster::cli {
namespace {

using Words = std::vector<std::string>;

// Longer, and the person has typed on.
constexpr std::chrono::seconds kPatience{1};
// One page. With more names than this a beginning narrows them, for devices at the server.
constexpr int kMostAsked = 1000;

// `printf %q` quotes what has spaces: bash puts candidates into the line as they are. compopt -o
// default hands over to bash's own completion of file names (bash manual, "Programmable Completion
// Builtins").
constexpr const char* kBashScript =
    R"sh(# Completion of muster for bash. For this shell: . <(muster completion bash)
# For all: muster completion bash > /etc/bash_completion.d/muster
_muster() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    COMPREPLY+=("$(printf '%q' "$line")")
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _muster muster
)sh";

// (Q) takes zsh's quoting off the words, (@f) splits the answer into lines; compadd quotes by
// itself. The last lines let the file be both sourced and put into $fpath as _muster (zsh manual,
// zshcompsys and zshexpn).
constexpr const char* kZshScript = R"sh(#compdef muster
# Completion of muster for zsh. For this shell: . <(muster completion zsh)
# For all: muster completion zsh > a file _muster in a folder of $fpath
_muster() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $candidates[1] == :files ]]; then
    _files
  elif [[ -n $candidates[1] ]]; then
    compadd -- "${candidates[@]}"
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _muster "$@"
else
  compdef _muster muster
fi
)sh";

// What stands where a value goes, by the name of the flag's value or of the positional.
// Of flags that every command has, and those whose value's name does not say what it is. All others
// are found by the name that help shows for the value: DEVICE, JOB, SITE ...
const std::map<std::string, std::string>& KindsOfFlags() {
  static const auto* kinds = new std::map<std::string, std::string>{
      {"output", "FORMAT"},    {"ca-file", "FILE"},       {"api-key-file", "FILE"},
      {"config", "FILE"},      {"context", "CONTEXT"},    {"organization", "ORGANIZATION"},
      {"script-file", "FILE"}, {"file", "FILE"},          {"trees", "FILE"},
      {"server", "TEXT"},      {"script-name", "SCRIPT"},
  };
  return *kinds;
}

// Without the backslashes and quotes that a shell leaves in a word.
// Bash hands words over as they stand in the line. Quotes may be open: the word is not finished.
std::string Unquoted(absl::string_view word) {
  std::string out;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\' && i + 1 < word.size()) {
      out += word[++i];
    } else if (word[i] != '"' && word[i] != '\'') {
      out += word[i];
    }
  }
  return out;
}

// What the words before the one that is typed mean.
struct Place {
  std::string noun;
  const Command* command = nullptr;
  size_t positionals = 0;
  // The flag whose value is typed.
  std::string flag;
  // Values of flags that were given, for the connection.
  GlobalFlags global;
};

const Flag* FindFlag(const Command* command, const std::string& name) {
  if (command == nullptr) return nullptr;
  for (const Flag& flag : command->flags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

// Where no verb is known yet only global flags count; a command's own flag of the same name goes
// before them.
bool TakesValue(const Command* command, const std::string& name) {
  if (KindsOfFlags().contains(name) && (command == nullptr || FindFlag(command, name) == nullptr)) {
    return true;
  }
  const Flag* flag = FindFlag(command, name);
  return (flag != nullptr && !flag->value.empty()) || name == "request-id";
}

void TakeGlobal(const std::string& name, const std::string& value, GlobalFlags* global) {
  if (name == "server") global->server = value;
  if (name == "ca-file") global->ca_file = value;
  if (name == "api-key-file") global->api_key_file = value;
  if (name == "organization") global->organization = value;
  if (name == "context") global->context = value;
  if (name == "config") global->config = value;
}

void TakeWord(const std::vector<Command>& commands, const std::string& word, Place* place) {
  if (place->noun.empty()) {
    place->noun = word;
    for (const Command& command : commands) {
      if (command.noun == word && command.verb.empty()) place->command = &command;
    }
  } else if (place->command == nullptr) {
    for (const Command& command : commands) {
      if (command.noun == place->noun && command.verb == word) place->command = &command;
    }
  } else {
    ++place->positionals;
  }
}

// Reads words as the parser would, but forgives everything: unknown flags and nouns are passed
// over.
Place Locate(const std::vector<Command>& commands, const Words& words) {
  Place place;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    std::string name = words[i] == "-o" ? "--output" : words[i];
    if (!absl::StartsWith(name, "--") || name.size() == 2) {
      TakeWord(commands, words[i], &place);
      continue;
    }
    name.erase(0, 2);
    // --flag=value is one word, and what follows it is something else.
    if (absl::StrContains(name, "=") || !TakesValue(place.command, name)) continue;
    // The word being typed is this flag's value.
    if (i + 2 == words.size()) {
      place.flag = name;
    } else {
      TakeGlobal(name, words[++i], &place.global);
    }
  }
  return place;
}

// Asks the server once, briefly. No Connection::Call: that tries again and explains, and here
// silence is right.
template <typename Call>
bool AskServer(Connection* connection, Call call) {
  const auto context = connection->NewContext();
  context->set_deadline(std::chrono::system_clock::now() + kPatience);
  return call(context.get()).ok();
}

absl::StatusOr<Words> DeviceWords(Session& session, const std::string& kind,
                                  const std::string& begun) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_page_size(kMostAsked);
  // The server narrows by the beginning, so that a fleet of 20,000 has candidates too. The star
  // goes inside of the quotes, where it is a wildcard.
  if (!begun.empty()) {
    std::string pattern = QuoteForFilter(begun);
    pattern.insert(pattern.size() - 1, "*");
    request.set_filter(kind == "SITE"
                           ? absl::StrCat("site = ", pattern)
                           : absl::StrCat("display_name = ", pattern, " OR identity = ", pattern,
                                          " OR name = ", pattern));
  }
  muster::v1::ListDevicesResponse response;
  const auto stub = muster::v1::DeviceService::NewStub(connection->channel());
  AskServer(connection, [&](grpc::ClientContext* context) {
    return stub->ListDevices(context, request, &response);
  });
  Words words;
  for (const auto& device : response.devices()) {
    if (kind == "SITE") {
      words.push_back(device.site());
      continue;
    }
    words.push_back(DeviceTitle(device));
    // Ids only where one was begun: nobody chooses among them.
    if (!begun.empty()) words.push_back(ShortName(device.name()));
  }
  return words;
}

template <typename Service, typename Request, typename Response, typename Stub>
absl::StatusOr<Words> NamesOf(Session& session, Request request,
                              grpc::Status (Stub::*list)(grpc::ClientContext*, const Request&,
                                                         Response*)) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  if constexpr (requires { request.set_page_size(kMostAsked); }) request.set_page_size(kMostAsked);
  Response response;
  const auto stub = Service::NewStub(connection->channel());
  AskServer(connection, [&](grpc::ClientContext* context) {
    return (stub.get()->*list)(context, request, &response);
  });
  Words words;
  // The first field of every List answer is the rows (AIP-132), and each row has a name (AIP-122):
  // one function for all of them.
  const auto* field = Response::descriptor()->field(0);
  for (int i = 0; i < response.GetReflection()->FieldSize(response, field); ++i) {
    const auto& row = response.GetReflection()->GetRepeatedMessage(response, field, i);
    const auto* name = row.GetDescriptor()->FindFieldByName("name");
    if (name != nullptr) words.push_back(ShortName(row.GetReflection()->GetString(row, name)));
  }
  return words;
}

// By the names that people gave them.
absl::StatusOr<Words> NodeWords(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  muster::v1::GetClusterStatusResponse response;
  const auto stub = muster::v1::ClusterService::NewStub(connection->channel());
  AskServer(connection, [&](grpc::ClientContext* context) {
    return stub->GetClusterStatus(context, muster::v1::GetClusterStatusRequest(), &response);
  });
  Words words;
  for (const auto& node : response.nodes()) words.push_back(node.display_name());
  return words;
}

Words EventWords() {
  Words words;
  for (const EventKindText& kind : EventKinds()) words.emplace_back(kind.word);
  return words;
}

absl::StatusOr<Words> ContextWords(const Console& console) {
  ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(DefaultContextPath(console.environment)));
  Words words;
  for (const auto& [name, context] : file.contexts) words.push_back(name);
  return words;
}

absl::StatusOr<Words> ValueWords(Session& session, const std::string& kind,
                                 const std::string& begun) {
  namespace v1 = muster::v1;
  if (kind == "FORMAT") return Words{"table", "wide", "json", "yaml", "csv", "name"};
  if (kind == "SHELL") return Words{"bash", "zsh"};
  if (kind == "PROFILE") return Words{"normal", "metered", "slow"};
  if (kind == "ROLE") return Words{"viewer", "operator", "admin", "platform"};
  if (kind == "EVENT") return EventWords();
  if (kind == "CONTEXT") return ContextWords(session.console());
  if (kind == "DEVICE" || kind == "SITE") return DeviceWords(session, kind, begun);
  if (kind == "JOB") {
    v1::ListJobsRequest request;
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
    return NamesOf<v1::JobService>(session, request, &v1::JobService::Stub::ListJobs);
  }
  if (kind == "CLAIM") {
    v1::ListClaimsRequest request;
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
    return NamesOf<v1::ClaimService>(session, request, &v1::ClaimService::Stub::ListClaims);
  }
  if (kind == "EDGE") {
    return NamesOf<v1::EdgeAdminService>(session, v1::ListEdgesRequest(),
                                         &v1::EdgeAdminService::Stub::ListEdges);
  }
  if (kind == "KEY") {
    v1::ListApiKeysRequest request;
    ASSIGN_OR_RETURN(*request.mutable_organization(), session.OrganizationName());
    return NamesOf<v1::ApiKeyService>(session, request, &v1::ApiKeyService::Stub::ListApiKeys);
  }
  if (kind == "NODE") return NodeWords(session);
  if (kind == "ORGANIZATION") {
    return NamesOf<v1::OrganizationService>(session, v1::ListOrganizationsRequest(),
                                            &v1::OrganizationService::Stub::ListOrganizations);
  }
  if (kind == "ROOT") {
    return NamesOf<v1::RouterRootService>(session, v1::ListRouterRootsRequest(),
                                          &v1::RouterRootService::Stub::ListRouterRoots);
  }
  if (kind == "SCRIPT") {
    v1::ListScriptsRequest request;
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
    return NamesOf<v1::ScriptService>(session, request, &v1::ScriptService::Stub::ListScripts);
  }
  if (kind == "SECRET") {
    v1::ListSecretsRequest request;
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
    return NamesOf<v1::SecretService>(session, request, &v1::SecretService::Stub::ListSecrets);
  }
  if (kind == "WINDOW") {
    v1::ListWindowsRequest request;
    ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
    return NamesOf<v1::WindowService>(session, request, &v1::WindowService::Stub::ListWindows);
  }
  // One of several words: "reboot|result". Names of kinds are in capitals, words are not.
  if (absl::c_any_of(kind, absl::ascii_islower)) return Words(absl::StrSplit(kind, '|'));
  return Words();
}

Words FlagWords(const Command* command) {
  Words words = {"--help"};
  for (const auto& [name, kind] : KindsOfFlags()) {
    // Those are flags of some commands and come with them below.
    if (name != "script-file" && name != "file" && name != "trees" && name != "script-name") {
      words.push_back(absl::StrCat("--", name));
    }
  }
  if (command == nullptr) return words;
  for (const Flag& flag : command->flags) words.push_back(absl::StrCat("--", flag.name));
  if (command->writes) words.push_back("--request-id");
  return words;
}

// The kind of value that is typed here; nullopt: a noun, a verb or a flag.
std::optional<std::string> KindHere(const Place& place, const std::string& begun) {
  if (!place.flag.empty()) {
    const Flag* flag = FindFlag(place.command, place.flag);
    const auto special = KindsOfFlags().find(place.flag);
    if (special != KindsOfFlags().end()) return special->second;
    return flag == nullptr ? "TEXT" : flag->value;
  }
  // A value may begin with a dash only behind its flag.
  if (absl::StartsWith(begun, "-") || place.command == nullptr) return std::nullopt;
  const auto& positionals = place.command->positionals;
  if (place.positionals >= positionals.size()) return "";
  if (!positionals[place.positionals].words.empty()) return positionals[place.positionals].words;
  const std::string& kind = positionals[place.positionals].name;
  // Three nouns whose things have no other word in help than NAME.
  if (kind == "NAME" && place.noun == "script") return "SCRIPT";
  if (kind == "NAME" && place.noun == "secret") return "SECRET";
  if (kind == "NAME" && place.noun == "window") return "WINDOW";
  return kind;
}

Words WordsHere(const std::vector<Command>& commands, const Place& place,
                const std::string& begun) {
  if (absl::StartsWith(begun, "-")) return FlagWords(place.command);
  Words words;
  for (const Command& command : commands) {
    if (place.noun.empty()) {
      words.push_back(command.noun);
    } else if (command.noun == place.noun) {
      words.push_back(command.verb);
    }
  }
  return words;
}

}  // namespace

int PrintCompletions(const std::vector<Command>& commands, const std::vector<std::string>& typed,
                     const Console& console) {
  Words words;
  for (const std::string& word : typed) words.push_back(Unquoted(word));
  if (words.empty()) words.emplace_back();
  const std::string& begun = words.back();
  const Place place = Locate(commands, words);
  const std::optional<std::string> kind = KindHere(place, begun);
  if (kind == "FILE") {
    // The shell knows files, folders and ~ better than we do. No name of ours begins with a colon.
    *console.out << ":files\n";
    return 0;
  }
  Arguments arguments;
  arguments.global = place.global;
  Session session(console, std::move(arguments));
  const absl::StatusOr<Words> found =
      kind.has_value() ? ValueWords(session, *kind, begun)
                       : absl::StatusOr<Words>(WordsHere(commands, place, begun));
  // No key, no server, no context: nothing to complete, and nobody asked for an error.
  if (!found.ok()) return 0;
  // Sorted, each once, and only what goes on from what was begun.
  const std::set<std::string> sorted(found->begin(), found->end());
  for (const std::string& word : sorted) {
    // Names come from routers too: what would be an escape sequence in the terminal is cleaned.
    if (!word.empty() && absl::StartsWith(word, begun)) *console.out << CleanText(word) << "\n";
  }
  return 0;
}

std::vector<Command> CompletionCommands() {
  Command completion;
  completion.noun = "completion";
  completion.summary = "Print the completion script of a shell";
  completion.positionals = {{"SHELL", "bash or zsh"}};
  completion.examples =
      "  muster completion bash > /etc/bash_completion.d/muster\n"
      "  . <(muster completion bash)\n"
      "  muster completion zsh > /usr/local/share/zsh/site-functions/_muster";
  completion.run = [](Session& session) -> Outcome {
    const std::string shell = session.Text("SHELL");
    if (shell != "bash" && shell != "zsh") {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", shell, "\" is no shell that is known here; bash and zsh are"));
    }
    *session.console().out << (shell == "bash" ? kBashScript : kZshScript);
    return ExitCode::kDone;
  };
  return {completion};
}

}  // namespace muster::cli
