// The menus, commands, arguments and properties of one RouterOS version.
//
// Built from the table in menu_tables.cc; what does not stand there does not exist for the
// simulated router, and a script that names it does not load.
//
// Threads:  a tree never changes once made; Get is safe from any thread.
// Example:  command_tree_test.cc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/value.h"
#include "tests/router_simulator/version.h"

namespace muster::simulator {

// Rights that a script's caller has; bits of a mask.
enum Policy : uint32_t {
  kPolicyRead = 1 << 0,
  kPolicyWrite = 1 << 1,
  kPolicyPolicy = 1 << 2,
  kPolicyTest = 1 << 3,
  kPolicyFtp = 1 << 4,
  kPolicyReboot = 1 << 5,
  kPolicySensitive = 1 << 6,
  kPolicyPassword = 1 << 7,
  kPolicySniff = 1 << 8,
  kPolicyRomon = 1 << 9,
  kPolicyAll = (1 << 10) - 1,
};
// Nullopt for an unknown name.
std::optional<uint32_t> ParsePolicies(absl::string_view comma_list);
std::string PolicyText(uint32_t mask);

struct Node;
struct MenuSpec;
class Evaluator;
// Runs one command. False where it raised an error or left the script (:return and the like);
// the evaluator then holds why.
using Handler = bool (*)(Evaluator& evaluator, const Node& node, Value* result);

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

struct PropertySpec {
  std::string name;
  PropertyType type = PropertyType::kText;
  std::optional<Value> initial;  // what a row has that doesn't set it
  bool required = false;
  bool unique = false;  // names a row; no two rows have the same
  bool hidden = false;  // sensitive
  bool read_only = false;
};

struct CommandSpec {
  std::string name;
  // All argument names, sorted.
  std::vector<std::string> arguments;
  // Names of unnamed arguments in order; a last name that ends in "*" takes all further ones.
  std::vector<std::string> positional;
  // Arguments whose braces hold code that runs in the caller's scope, or a function.
  std::vector<std::string> code;
  // The rest of the command is a where expression, with or without the word.
  bool filter = false;
  uint32_t policy = 0;
  const MenuSpec* menu = nullptr;
  Handler handler = nullptr;

  bool Takes(absl::string_view argument) const;
};

enum class MenuKind : uint8_t { kFolder, kSettings, kTable };

struct MenuSpec {
  std::string path;  // "/ip/address"; "" for the root
  MenuKind kind = MenuKind::kFolder;
  bool ordered = false;
  // Rows that a person can't add or remove (interfaces, services, log lines).
  bool fixed = false;
  // Not part of /export and not restored by a backup.
  bool volatile_rows = false;
  std::vector<PropertySpec> properties;
  std::map<std::string, std::unique_ptr<CommandSpec>> commands;
  std::map<std::string, std::unique_ptr<MenuSpec>> children;

  const PropertySpec* Property(absl::string_view name) const;
  const PropertySpec* Key() const;  // the unique property that names rows; null where none
};

class CommandTree {
 public:
  // The tree of `version` on a board with or without hardware (`routerboard`). Made once and
  // kept for the life of the process.
  static const CommandTree& Get(const RouterVersion& version, bool routerboard,
                                bool ppp_package = true);

  const MenuSpec& root() const { return root_; }
  const RouterVersion& version() const { return version_; }
  // Null where the version doesn't have it.
  const CommandSpec* Builtin(absl::string_view name) const;
  const MenuSpec* Menu(absl::string_view path) const;

 private:
  friend class TreeBuilder;
  RouterVersion version_;
  MenuSpec root_;
};

}  // namespace muster::simulator
