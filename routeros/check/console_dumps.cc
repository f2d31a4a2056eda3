// Dumps to trees. A dump only has names, so how each command is written (which arguments are
// unnamed, whether a where follows) is concluded from the names of its arguments: too much is taken
// rather than too little, since a false warning costs trust in all others.
#include "routeros/check/console_dumps.h"

#include <simdjson.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "routeros/language/builtins.h"

namespace muster::routeros {
namespace {

using language::CommandSpec;
using language::CommandTree;
using language::MenuKind;
using language::MenuSpec;

// Deeper than any console, and little enough for the stack.
constexpr int kDeepest = 32;
// Ten times the largest dump.
constexpr size_t kMostBytes = 32 << 20;

// In chunks with a limit: a packed file of a few kB may unpack to any size.
// gzread takes files that are not packed as they stand.
absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat("can't open ", path));
  std::string text;
  char chunk[16384];
  int size = 0;
  while (text.size() <= kMostBytes && (size = gzread(file, chunk, sizeof(chunk))) > 0) {
    text.append(chunk, size);
  }
  gzclose(file);
  if (size < 0) return absl::DataLossError(absl::StrCat("can't unpack ", path));
  if (text.size() > kMostBytes) return absl::DataLossError(absl::StrCat(path, " is too large"));
  return text;
}

// The one place where this is guessed; a dump that says more would end it.
// What the names of a command's arguments say about how it is written.
void Describe(CommandSpec* command) {
  for (const char* const code : {"do", "else", "on-error"}) {
    if (command->Takes(code)) command->code.emplace_back(code);
  }
  // A where stands behind these, with or without the word.
  command->filter = command->name == "find" || command->Takes("where");
  for (const char* const first : {"numbers", "number"}) {
    if (command->Takes(first)) command->positional.emplace_back(first);
  }
  if (command->name == "get" || command->name == "unset") {
    command->positional.emplace_back("value-name");
  } else if (command->name == "move") {
    command->positional.emplace_back("destination");
  } else {
    // `print` takes any unnamed word, `add` and `find` none.
    command->any_positional = command->name != "add" && command->name != "find";
  }
}

std::unique_ptr<CommandSpec> MakeCommand(std::string name, std::vector<std::string> arguments,
                                         const MenuSpec* menu) {
  auto command = std::make_unique<CommandSpec>();
  command->name = std::move(name);
  command->arguments = std::move(arguments);
  std::sort(command->arguments.begin(), command->arguments.end());
  // A menu isn't moved any more once its commands are made.
  command->menu = menu;
  Describe(command.get());
  return command;
}

bool ReadNames(const simdjson::dom::array& array, std::vector<std::string>* names) {
  for (const auto element : array) {
    const char* text = nullptr;
    if (element.get(text) != simdjson::SUCCESS) return false;
    names->emplace_back(text);
  }
  return true;
}

// Read-only properties (`uptime`, `rtt-avg`) therefore are unknown; more_properties lets a where
// name them.
// What can be set is a property; the dump names no others.
void FinishMenu(MenuSpec* menu) {
  const auto find = menu->commands.find("find");
  const auto set = menu->commands.find("set");
  menu->more_properties = true;
  if (find != menu->commands.end() || menu->commands.count("add") > 0) {
    menu->kind = MenuKind::kTable;
  } else if (set != menu->commands.end()) {
    menu->kind = MenuKind::kSettings;
  }
  menu->ordered = menu->commands.count("move") > 0;
  menu->fixed = menu->commands.count("add") == 0;
  for (const char* const writes : {"add", "set"}) {
    const auto command = menu->commands.find(writes);
    if (command == menu->commands.end()) continue;
    for (const std::string& name : command->second->arguments) {
      // They say which row and where, not what it has.
      if (name == "numbers" || name == "copy-from" || name == "place-before") continue;
      if (menu->Property(name) != nullptr) continue;
      language::PropertySpec property;
      property.name = name;
      menu->properties.push_back(std::move(property));
    }
  }
}

bool ReadMenu(const simdjson::dom::element& element, int depth, MenuSpec* menu) {
  simdjson::dom::object object;
  if (depth > kDeepest || element.get(object) != simdjson::SUCCESS) return false;
  for (const auto field : object) {
    std::string name(field.key.data(), field.key.size());
    simdjson::dom::array array;
    // A list is a command, an object a menu.
    if (field.value.get(array) != simdjson::SUCCESS) {
      if (!ReadMenu(field.value, depth + 1, &menu->Child(name))) return false;
      continue;
    }
    std::vector<std::string> arguments;
    if (!ReadNames(array, &arguments)) return false;
    std::unique_ptr<CommandSpec> command = MakeCommand(name, std::move(arguments), menu);
    menu->commands[std::move(name)] = std::move(command);
  }
  FinishMenu(menu);
  return true;
}

// The dump says which commands of the language there are and which arguments they take, the
// language how they are written.
void DescribeBuiltins(CommandTree* tree) {
  CommandTree known(tree->version());
  language::AddBuiltins(&known);
  for (auto& [name, command] : tree->root().commands) {
    const CommandSpec* const described = known.Builtin(name);
    if (described == nullptr) continue;
    command->positional = described->positional;
    command->code = described->code;
    command->any_positional = false;
    command->filter = false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<CommandTree>> ParseConsoleDump(const Version& version,
                                                              absl::string_view json) {
  auto tree = std::make_unique<CommandTree>(version);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      !ReadMenu(root, 0, &tree->root())) {
    return absl::InvalidArgumentError("not a console dump");
  }
  DescribeBuiltins(tree.get());
  return tree;
}

absl::StatusOr<ConsoleDumps> ConsoleDumps::Read(const std::string& folder) {
  ConsoleDumps dumps;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string file = entry.path().filename().native();
    const absl::string_view plain = absl::StripSuffix(file, ".gz");
    const absl::string_view name = absl::StripSuffix(plain, ".json");
    // No ".json": a README may lie beside them.
    if (name == plain) continue;
    ASSIGN_OR_RETURN(const Version version, ParseVersion(name));
    ASSIGN_OR_RETURN(const std::string text, ReadWhole(entry.path().native()));
    auto tree = ParseConsoleDump(version, text);
    if (!tree.ok()) {
      return absl::DataLossError(
          absl::StrCat(entry.path().native(), ": ", tree.status().message()));
    }
    dumps.trees_.push_back(*std::move(tree));
  }
  if (dumps.trees_.empty()) {
    return absl::NotFoundError(absl::StrCat("no console dumps (VERSION.json.gz) in ", folder));
  }
  std::sort(dumps.trees_.begin(), dumps.trees_.end(), [](const auto& left, const auto& right) {
    return CompareVersions(left->version(), right->version()) < 0;
  });
  return dumps;
}

const CommandTree* ConsoleDumps::Nearest(const Version& version) const {
  const auto family = FamilyOf(version);
  const CommandTree* nearest = nullptr;
  for (const auto& tree : trees_) {
    const auto its_family = FamilyOf(tree->version());
    // Across families the language differs: no tree is better than a wrong one.
    if (!family.ok() || !its_family.ok() || *its_family != *family) continue;
    // They are sorted, so the first newer one ends the search; below the family's first, that is
    // taken.
    if (nearest != nullptr && CompareVersions(tree->version(), version) > 0) break;
    nearest = tree.get();
  }
  return nearest;
}

}  // namespace muster::routeros
