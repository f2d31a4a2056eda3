#include "cli/commands/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/completion.h"
#include "cli/commands/groups.h"
#include "common/program/options.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

constexpr const char* kRootFooter =
    R"(Settings come from flags, over MUSTER_SERVER, MUSTER_CA_FILE, MUSTER_API_KEY_FILE and
MUSTER_ORGANIZATION, over the context in ~/.config/muster/config.toml.
Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 unavailable,
6 failed on some devices.

Examples:
  muster login --server 127.0.0.1:7450 --ca-file DATA/pki/cluster-ca.pem --api-key-file DATA/root-key
  muster edge create edge-1 --url https://edge.example.net > edge-1.join
  muster claim create --max-devices 25 --ttl 24h
  muster device list
  muster job run --where 'online = true' --script '/system/identity/print' --wait)";

constexpr const char* kLeafFooter =
    "For every command: -o table|wide|json|yaml|csv|name, --server, --ca-file, --api-key-file,\n"
    "--organization, --context, --config; see: muster --help";

// Where the library puts what it reads. Addresses must not move: maps only.
struct Parsed {
  std::map<std::string, std::string> global;
  std::map<const Command*, Arguments> commands;
};

void AddGlobalFlags(CLI::App* app, Parsed* parsed) {
  const auto add = [&](const std::string& flags, const std::string& name, const std::string& help) {
    app->add_option(flags, parsed->global[name], help)
        ->type_name("TEXT")
        ->group("For every command");
  };
  add("-o,--output", "output", "table, wide, json, yaml, csv or name");
  add("--server", "server", "HOST:PORT of musterd [127.0.0.1:7450]");
  add("--ca-file", "ca-file", "certificate that musterd's own must come from (cluster-ca.pem)");
  add("--api-key-file", "api-key-file", "file with the API key");
  add("--organization", "organization", "organization that the command is about [default]");
  add("--context", "context", "context to use instead of the current one");
  add("--config", "config", "context file [~/.config/muster/config.toml]");
}

void AddCommand(CLI::App* app, const Command& command, Arguments* arguments) {
  for (const Positional& positional : command.positionals) {
    app->add_option(positional.name, arguments->texts[positional.name], positional.help)
        ->expected(1)
        ->allow_extra_args(false)
        ->required(positional.required)
        ->type_name("");
  }
  std::vector<Flag> flags = command.flags;
  if (command.writes) {
    flags.push_back({"request-id", "ID", "repeat an earlier call whose outcome is unknown"});
  }
  for (const Flag& flag : flags) {
    if (flag.value.empty()) {
      app->add_flag(absl::StrCat("--", flag.name), arguments->switches[flag.name], flag.help);
      continue;
    }
    CLI::Option* option =
        app->add_option(absl::StrCat("--", flag.name), arguments->texts[flag.name], flag.help);
    option->expected(1)->allow_extra_args(false)->type_name(flag.value)->required(flag.required);
    option->multi_option_policy(flag.may_repeat ? CLI::MultiOptionPolicy::TakeAll
                                                : CLI::MultiOptionPolicy::Throw);
  }
  app->footer(absl::StrCat("Examples:\n", command.examples, "\n", kLeafFooter));
}

// API keys that somebody gave as an argument must not come back in our messages.
std::string WithoutKeys(std::string text) {
  for (const absl::string_view prefix : {"mk1.", "m1."}) {
    size_t at = 0;
    while ((at = text.find(prefix.data(), at, prefix.size())) != std::string::npos) {
      at += prefix.size();
      size_t end = at;
      while (end < text.size() &&
             (absl::ascii_isalnum(text[end]) ||
              absl::string_view("._-+/=").find(text[end]) != absl::string_view::npos)) {
        ++end;
      }
      text.replace(at, end - at, "***");
    }
  }
  return text;
}

int Fail(const Console& console, absl::string_view message, ExitCode code) {
  *console.err << "muster: " << CleanText(WithoutKeys(std::string(message)), LineBreaks::kKeep)
               << std::endl;
  return static_cast<int>(code);
}

ExitCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return ExitCode::kUsage;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return ExitCode::kNotAllowed;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnavailable;
    default:
      return ExitCode::kFailed;
  }
}

// The innermost command that was named.
const CLI::App* Innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return at;
}

std::string PathOf(const CLI::App* app) {
  std::string path = app->get_name();
  while ((app = app->get_parent()) != nullptr) path = absl::StrCat(app->get_name(), " ", path);
  return path;
}

int PrintHelp(const CLI::App& app, std::ostream& out) {
  const CLI::App* leaf = Innermost(app);
  const CLI::App* parent = leaf->get_parent();
  out << leaf->help(parent == nullptr ? "" : PathOf(parent));
  return 0;
}

// "muster device: "lst" is not known; ..." for what was left over.
std::string UnknownWords(const CLI::App& app) {
  std::vector<std::string> words = app.remaining(/*recurse=*/true);
  for (std::string& word : words) word = absl::StrCat("\"", word, "\"");
  const std::string path = PathOf(Innermost(app));
  return absl::StrCat(absl::StrJoin(words, ", "), words.size() == 1 ? " is" : " are",
                      " not known to: ", path, "; see: ", path, " --help");
}

absl::StatusOr<Arguments> WithGlobalFlags(Arguments arguments, const CLI::App& app,
                                          const Parsed& parsed) {
  const auto given = [&](const std::string& name) -> std::optional<std::string> {
    if (app.count(absl::StrCat("--", name)) == 0) return std::nullopt;
    return parsed.global.at(name);
  };
  arguments.global.server = given("server");
  arguments.global.ca_file = given("ca-file");
  arguments.global.api_key_file = given("api-key-file");
  arguments.global.organization = given("organization");
  arguments.global.context = given("context");
  arguments.global.config = given("config");
  if (const auto format = given("output")) {
    const absl::StatusOr<Format> known = ParseFormat(*format);
    if (!known.ok()) return known.status();
    arguments.format = *known;
  }
  return arguments;
}

int RunCommand(const Command& command, Arguments arguments, const Console& console) {
  Session session(console, std::move(arguments));
  const Outcome outcome = command.run(session);
  if (outcome.ok()) return static_cast<int>(*outcome);
  return Fail(console, outcome.status().message(), CodeOf(outcome.status()));
}

// Builds the library's tree of commands; answers which command each leaf is.
std::map<const CLI::App*, const Command*> BuildTree(const std::vector<Command>& commands,
                                                    CLI::App* app, Parsed* parsed) {
  app->footer(kRootFooter);
  app->set_version_flag("--version", absl::StrCat("muster ", std::string(Version())));
  app->fallthrough();
  app->require_subcommand(0, 1);
  AddGlobalFlags(app, parsed);
  std::map<std::string, CLI::App*> nouns;
  std::map<const CLI::App*, const Command*> leaves;
  std::map<const CLI::App*, std::string> examples;
  for (const Command& command : commands) {
    CLI::App*& noun = nouns[command.noun];
    if (noun == nullptr) {
      noun = app->add_subcommand(command.noun, command.summary);
      noun->require_subcommand(0, 1);
    }
    CLI::App* leaf = noun;
    if (!command.verb.empty()) {
      leaf = noun->add_subcommand(command.verb, command.summary);
      leaf->require_subcommand(0, 0);
      std::vector<std::string> verbs;
      for (const CLI::App* verb : noun->get_subcommands({})) verbs.push_back(verb->get_name());
      noun->description(absl::StrCat("Commands: ", absl::StrJoin(verbs, ", ")));
      examples[noun] += absl::StrCat(command.examples, "\n");
      noun->footer(absl::StrCat("Examples:\n", examples[noun], kLeafFooter));
    }
    AddCommand(leaf, command, &parsed->commands[&command]);
    leaves[leaf] = &command;
  }
  return leaves;
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, const Console& console) {
  for (const std::string& argument : arguments) {
    if (IsUtf8(argument)) continue;
    return Fail(console, absl::StrCat("an argument is not UTF-8: ", argument), ExitCode::kUsage);
  }
  const std::vector<Command> commands = AllCommands();
  if (!arguments.empty() && arguments.front() == kCompleteWord) {
    return PrintCompletions(commands, {arguments.begin() + 1, arguments.end()}, console);
  }
  Parsed parsed;
  CLI::App app("Command line client of Muster, the control plane for fleets of RouterOS routers.",
               "muster");
  const auto leaves = BuildTree(commands, &app, &parsed);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return PrintHelp(app, *console.out);
  } catch (const CLI::CallForVersion& version) {
    *console.out << version.what() << "\n";
    return 0;
  } catch (const CLI::ExtrasError&) {
    return Fail(console, UnknownWords(app), ExitCode::kUsage);
  } catch (const CLI::ParseError& error) {
    return Fail(console, absl::StrCat(error.what(), "; see: ", PathOf(Innermost(app)), " --help"),
                ExitCode::kUsage);
  }
  const auto leaf = leaves.find(Innermost(app));
  if (leaf == leaves.end()) {
    PrintHelp(app, *console.err);
    return static_cast<int>(ExitCode::kUsage);
  }
  absl::StatusOr<Arguments> given =
      WithGlobalFlags(std::move(parsed.commands[leaf->second]), app, parsed);
  if (!given.ok()) return Fail(console, given.status().message(), ExitCode::kUsage);
  return RunCommand(*leaf->second, *std::move(given), console);
}

}  // namespace muster::cli
