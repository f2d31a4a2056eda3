// The menus, commands, arguments and properties of one RouterOS version, against which a script is
// parsed: what doesn't stand in the tree does not load.
//
// A tree begins with the commands of the language itself (AddBuiltins); its owner adds menus, from
// a dump of a router's console (routeros/check) or from tables of its own (the simulator).
//
// It has to be per version, because RouterOS checks a whole script when it loads: one unknown
// command, menu or argument makes all of it unusable (docs/assumptions.md, "Loading and
// language").
// Threads:  a tree never changes once it is built; reading it is safe from any thread.
// Owns:     a menu owns its commands and sub-menus; commands point back at their menu, so a menu
//           must not be moved once it has commands.
// Example:  parser_test.cc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "routeros/language/value.h"
#include "routeros/script/version.h"

namespace muster::routeros::language {

// How a text in a script becomes a row's value; what doesn't fit is an error when the command runs.
enum class PropertyType : uint8_t {
  kText,
  kNumber,
  kBool,
  kTime,
  kIp,
  kAddress,    // ip or ip/prefix, kept as ip-prefix
  kNetwork,    // ip, ip/prefix, range or list: text, checked
  kInterface,  // the name of an interface that exists
  kPolicy,     // list of policies
  kCode,       // script text
};

// What a row of a menu has. Trees of console dumps know names only.
struct PropertySpec {
  std::string name;
  PropertyType type = PropertyType::kText;
  // For the simulator's tables: what a new row begins with.
  std::optional<Value> initial;  // what a row has that doesn't set it
  bool required = false;
  bool unique = false;  // names a row; no two rows have the same
  // Left out of /export on v7 without show-sensitive (MikroTik's manual, Configuration
  // Management).
  bool hidden = false;  // sensitive
  bool read_only = false;
};

struct MenuSpec;

// A class with a virtual destructor, since the simulator derives one with what the command does.
struct CommandSpec {
  CommandSpec() = default;
  virtual ~CommandSpec() = default;
  CommandSpec(const CommandSpec&) = delete;
  CommandSpec& operator=(const CommandSpec&) = delete;

  std::string name;
  // Sorted, because Takes looks by halving.
  // All argument names, sorted.
  std::vector<std::string> arguments;
  // Names of unnamed arguments in order.
  std::vector<std::string> positional;
  // Arguments whose braces hold code that runs in the caller's scope, or a function.
  std::vector<std::string> code;
  // "print where", "find": terms may stand without "and" between them.
  // The rest of the command is a where expression, with or without the word.
  bool filter = false;
  // Nothing is known of its unnamed arguments: each is taken.
  bool any_positional = false;
  // Not in the tree: made up while parsing with UnknownNames::kNote; takes any argument.
  bool guessed = false;
  const MenuSpec* menu = nullptr;

  // Whether it has that argument; names are never shortened here, as a console would allow.
  bool Takes(absl::string_view argument) const;
};

// kFolder: sub-menus alone; kSettings: one set of values; kTable: rows.
enum class MenuKind : uint8_t { kFolder, kSettings, kTable };

struct MenuSpec {
  std::string path;  // "/ip/address"; "" for the root
  MenuKind kind = MenuKind::kFolder;
  // Rows have an order that `move` and `place-before` change.
  bool ordered = false;
  // Rows that a person can't add or remove (interfaces, services, log lines).
  bool fixed = false;
  // Not part of /export and not restored by a backup.
  bool volatile_rows = false;
  // Not in the tree: made up while parsing with UnknownNames::kNote.
  bool guessed = false;
  // `properties` lacks some, and a where may name others: dumps don't tell read-only ones.
  bool more_properties = false;
  std::vector<PropertySpec> properties;
  std::map<std::string, std::unique_ptr<CommandSpec>> commands;
  std::map<std::string, std::unique_ptr<MenuSpec>> children;

  // By name; menus have few properties, so they are searched one by one.
  // Null where the menu has none of that name.
  const PropertySpec* Property(absl::string_view name) const;
  // The unique property that names rows; null where none.
  const PropertySpec* Key() const;
  // The sub-menu of that name, made where there is none yet.
  MenuSpec& Child(absl::string_view name);
};

class CommandTree {
 public:
  // A tree of `version` without any menu or command.
  explicit CommandTree(Version version) : version_(std::move(version)) {}

  const MenuSpec& root() const { return root_; }
  MenuSpec& root() { return root_; }
  const Version& version() const { return version_; }
  // See Builtin in the parser: "put" and ":put" are the same.
  // A command of the root, which a script may write with a colon; null where there is none.
  const CommandSpec* Builtin(absl::string_view name) const;
  // Paths are written with slashes on every version here; scripts before v7 write blanks.
  // "/ip/address", "" for the root; null where the version doesn't have it.
  const MenuSpec* Menu(absl::string_view path) const;

 private:
  // Fixed: a tree of another version is another tree.
  Version version_;
  MenuSpec root_;
};

// Unlike in FamilyOf: a console of 7.4beta is taken to have what 7.4 brings.
// Whether `version` is MAJOR.MINOR or later; betas count as the release.
bool AtLeast(const Version& version, int major, int minor);

}  // namespace muster::routeros::language
