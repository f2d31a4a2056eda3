// From words to one command. CLI11 reads the words; nothing else of the program knows of it, and it
// is given its own copies of everything, so that another library could take its place in this file.
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

// Short, since it stands below every help: what is the same everywhere is explained once, in muster
// --help.
constexpr const char* kLeafFooter =
    "For every command: -o table|wide|json|yaml|csv|name, --server, --ca-file, --api-key-file,\n"
    "--organization, --context, --config; see: muster --help";

// Where the library puts what it reads. Addresses must not move: maps only.
// CLI11 keeps references to the variables that it fills, from the making of the tree until parse()
// returns.
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
  // Here and not in each command: a command that changes something can't be without it.
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
    // One word each: by default CLI11 lets an option for a list take all words that follow, and
    // `--label a=b riga-core` would swallow the device.
    option->expected(1)->allow_extra_args(false)->type_name(flag.value)->required(flag.required);
    // Throw is an error where the flag comes twice: with the last one taken, half of a long line
    // would be without effect and nobody the wiser.
    option->multi_option_policy(flag.may_repeat ? CLI::MultiOptionPolicy::TakeAll
                                                : CLI::MultiOptionPolicy::Throw);
  }
  app->footer(absl::StrCat("Examples:\n", command.examples, "\n", kLeafFooter));
}

// API keys that somebody gave as an argument must not come back in our messages.
// Our own errors quote what was typed, and CLI11's do too. mk1. are keys of the API, m1. tokens of
// devices.
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

// The one place where errors are printed: masked, then cleaned, line breaks kept, for hints stand
// on lines of their own.
int Fail(const Console& console, absl::string_view message, ExitCode code) {
  *console.err << "muster: " << CleanText(WithoutKeys(std::string(message)), LineBreaks::kKeep)
               << std::endl;
  return static_cast<int>(code);
}

// What a script can do about it chooses the code; see exit_code.h. Aborted and AlreadyExists are
// plain failures: the command was right, and the world is not as it thought.
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
  // CLI11 would print the help of the program; wanted is that of the noun or verb that --help
  // stands behind.
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
    // Given and empty is not the same as not given: --ca-file '' asks for the system's authorities.
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
  // Global flags are taken behind the verb too, where people write them.
  app->fallthrough();
  // None is no error to the library: then help is printed, with our exit code.
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
      // Grows with each verb, so the noun's help always lists all of them.
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
  // Before anything else: protobuf would refuse such text only when it is sent, and name a field
  // and not the word. (A file name in another encoding can't be given; its content can come by
  // stdin.)
  for (const std::string& argument : arguments) {
    if (IsUtf8(argument)) continue;
    return Fail(console, absl::StrCat("an argument is not UTF-8: ", argument), ExitCode::kUsage);
  }
  const std::vector<Command> commands = AllCommands();
  // Not a command of the tree: nobody types it, help does not show it, and half-typed words must
  // not be parsed.
  if (!arguments.empty() && arguments.front() == kCompleteWord) {
    return PrintCompletions(commands, {arguments.begin() + 1, arguments.end()}, console);
  }
  Parsed parsed;
  CLI::App app("Command line client of Muster, the control plane for fleets of RouterOS routers.",
               "muster");
  const auto leaves = BuildTree(commands, &app, &parsed);
  try {
    // CLI11 takes the words from the back of a vector.
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
    // A noun without a verb: help, but to stderr and as wrong usage, so that a script notices.
    PrintHelp(app, *console.err);
    return static_cast<int>(ExitCode::kUsage);
  }
  absl::StatusOr<Arguments> given =
      WithGlobalFlags(std::move(parsed.commands[leaf->second]), app, parsed);
  if (!given.ok()) return Fail(console, given.status().message(), ExitCode::kUsage);
  return RunCommand(*leaf->second, *std::move(given), console);
}

}  // namespace muster::cli
