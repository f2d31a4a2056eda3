#include "tests/router_simulator/menu_tree.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/sync/mutex.h"
#include "routeros/language/builtins.h"
#include "tests/router_simulator/dump_menus.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/menu_tables.h"

namespace muster::simulator {
namespace {

constexpr std::array<std::pair<absl::string_view, uint32_t>, 10> kPolicies = {{
    {"ftp", kPolicyFtp},
    {"reboot", kPolicyReboot},
    {"read", kPolicyRead},
    {"write", kPolicyWrite},
    {"policy", kPolicyPolicy},
    {"test", kPolicyTest},
    {"password", kPolicyPassword},
    {"sniff", kPolicySniff},
    {"sensitive", kPolicySensitive},
    {"romon", kPolicyRomon},
}};

PropertyType TypeOf(char letter) {
  switch (letter) {
    case 'n':
      return PropertyType::kNumber;
    case 'b':
      return PropertyType::kBool;
    case 'T':
      return PropertyType::kTime;
    case 'i':
      return PropertyType::kIp;
    case 'a':
      return PropertyType::kAddress;
    case 'w':
      return PropertyType::kNetwork;
    case 'I':
      return PropertyType::kInterface;
    case 'p':
      return PropertyType::kPolicy;
    case 'c':
      return PropertyType::kCode;
    default:
      return PropertyType::kText;
  }
}

Value InitialValue(PropertyType type, absl::string_view text) {
  if (text == "\"\"") text = "";
  switch (type) {
    case PropertyType::kNumber:
    case PropertyType::kBool:
    case PropertyType::kTime:
    case PropertyType::kIp:
      return FromWord(text);
    default:
      return Value::String(std::string(text));
  }
}

}  // namespace

std::optional<uint32_t> ParsePolicies(absl::string_view comma_list) {
  uint32_t mask = 0;
  for (absl::string_view name :
       absl::StrSplit(comma_list, absl::ByAnyChar(",;"), absl::SkipEmpty())) {
    const auto found = std::find_if(kPolicies.begin(), kPolicies.end(),
                                    [&](const auto& policy) { return policy.first == name; });
    // Rights of services and of web pages say nothing about scripts.
    static const std::array<absl::string_view, 10> kOthers = {
        "local", "telnet", "ssh", "winbox", "web", "api", "dude", "tikapp", "rest-api", "reserved"};
    const bool other = std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end() ||
                       (!name.empty() && name[0] == '!');
    if (found != kPolicies.end()) {
      mask |= found->second;
    } else if (!other) {
      return std::nullopt;
    }
  }
  return mask;
}

std::string PolicyText(uint32_t mask) {
  std::string out;
  for (const auto& [name, bit] : kPolicies) {
    if ((mask & bit) != 0) absl::StrAppend(&out, out.empty() ? "" : ",", name);
  }
  return out;
}

// Reads the tables of menu_tables.h for one version.
class TreeBuilder {
 public:
  TreeBuilder(CommandTree* tree, bool routerboard, bool ppp_package)
      : tree_(tree), routerboard_(routerboard), ppp_package_(ppp_package) {}

  void Build() {
    for (const absl::string_view token :
         absl::StrSplit(language::BuiltinCommands(), absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
      AddCommand(&tree_->root(), token);
    }
    Read(SystemMenus());
    Read(NetworkMenus());
    Finish(&tree_->root());
  }

 private:
  void Read(absl::string_view table) {
    MenuSpec* menu = nullptr;
    for (const absl::string_view line : absl::StrSplit(table, '\n', absl::SkipEmpty())) {
      if (line[0] == '/') {
        menu = StartMenu(line);
        continue;
      }
      if (menu == nullptr) continue;
      for (const absl::string_view token : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
        if (token[0] == '+') {
          AddCommand(menu, token.substr(1));
        } else {
          AddProperty(menu, token);
        }
      }
    }
  }

  MenuSpec* StartMenu(absl::string_view line) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    for (size_t i = 2; i < words.size(); ++i) {
      if (!language::Gate(words[i], tree_->version()).present) return nullptr;
    }
    if (!routerboard_ && words[0].substr(0, 19) == "/system/routerboard") return nullptr;
    if (!ppp_package_ && words[0].substr(0, 4) == "/ppp") return nullptr;
    MenuSpec* menu = &tree_->root();
    for (const absl::string_view part : absl::StrSplit(words[0].substr(1), '/')) {
      menu = &menu->Child(part);
    }
    for (const absl::string_view word : absl::StrSplit(words[1], ',')) {
      if (word == "table") menu->kind = MenuKind::kTable;
      if (word == "settings") menu->kind = MenuKind::kSettings;
      if (word == "ordered") menu->ordered = true;
      if (word == "fixed") menu->fixed = true;
      if (word == "volatile") menu->volatile_rows = true;
    }
    return menu;
  }

  void AddProperty(MenuSpec* menu, absl::string_view token) {
    const size_t equals = token.find('=');
    const absl::string_view declared = token.substr(0, equals);
    const language::GatedName gated = language::Gate(declared, tree_->version());
    if (!gated.present) return;
    const size_t colon = gated.name.find(':');
    PropertySpec property;
    property.name = std::string(gated.name.substr(0, colon));
    property.type = TypeOf(gated.name[colon + 1]);
    // Flags may stand before or behind the gates.
    const absl::string_view flags = declared.substr(colon);
    property.required = flags.find('*') != absl::string_view::npos;
    property.unique = flags.find('#') != absl::string_view::npos;
    property.hidden = flags.find('%') != absl::string_view::npos;
    property.read_only = flags.find('^') != absl::string_view::npos;
    if (equals != absl::string_view::npos) {
      property.initial = InitialValue(property.type, token.substr(equals + 1));
    }
    menu->properties.push_back(std::move(property));
  }

  void AddCommand(MenuSpec* menu, absl::string_view declaration) {
    auto command = std::make_unique<SimulatedCommand>();
    if (!language::DeclareCommand(declaration, tree_->version(), command.get())) return;
    command->menu = menu;
    std::unique_ptr<CommandSpec>& place = menu->commands[command->name];
    place = std::move(command);
  }

  void Standard(MenuSpec* menu, absl::string_view name, uint32_t policy,
                const std::vector<std::string>& positional, const std::vector<std::string>& more) {
    if (menu->commands.count(std::string(name)) > 0) return;
    auto command = std::make_unique<SimulatedCommand>();
    command->name = std::string(name);
    command->menu = menu;
    command->policy = policy;
    command->positional = positional;
    command->arguments = positional;
    command->arguments.insert(command->arguments.end(), more.begin(), more.end());
    std::sort(command->arguments.begin(), command->arguments.end());
    menu->commands[std::string(name)] = std::move(command);
  }

  static const std::vector<std::string>& PrintArguments() {
    static const auto* const kArguments = new std::vector<std::string>(
        {"append", "as-value", "brief", "count-only", "detail", "file", "follow", "follow-only",
         "from", "interval", "proplist", "show-ids", "stats", "terse", "value-list", "where",
         "without-paging"});
    return *kArguments;
  }

  void AddStandardCommands(MenuSpec* menu) {
    if (menu->kind == MenuKind::kFolder) return;
    const bool table = menu->kind == MenuKind::kTable;
    std::vector<std::string> writable;
    bool can_disable = false;
    bool has_comment = false;
    for (const PropertySpec& property : menu->properties) {
      if (property.read_only) continue;
      writable.push_back(property.name);
      can_disable |= property.name == "disabled";
      has_comment |= property.name == "comment";
    }
    Standard(menu, "print", kPolicyRead, {}, PrintArguments());
    if (table) {
      menu->commands["print"]->filter = true;
      Standard(menu, "get", kPolicyRead, {"number", "value-name"}, {});
      Standard(menu, "find", kPolicyRead, {}, {"where"});
      menu->commands["find"]->filter = true;
    } else {
      Standard(menu, "get", kPolicyRead, {"value-name"}, {});
    }
    if (!menu->volatile_rows) {
      Standard(menu, "export", kPolicyRead, {},
               {"compact", "file", "hide-sensitive", "show-sensitive", "terse", "verbose"});
    }
    if (writable.empty() && !menu->volatile_rows) return;
    if (table) {
      Standard(menu, "set", kPolicyWrite, {"numbers"}, writable);
      AddTableCommands(menu, writable, can_disable, has_comment);
    } else if (!writable.empty()) {
      Standard(menu, "set", kPolicyWrite, {}, writable);
      // "/system identity set router1": the only property needs no name.
      if (writable.size() == 1) menu->commands["set"]->positional = {writable[0]};
    }
  }

  void AddTableCommands(MenuSpec* menu, const std::vector<std::string>& writable, bool can_disable,
                        bool has_comment) {
    const bool removable = !menu->fixed || menu->path == "/system/script/job" ||
                           menu->path == "/system/script/environment";
    if (removable) Standard(menu, "remove", kPolicyWrite, {"numbers"}, {});
    if (!menu->fixed && menu->path != "/file") {
      std::vector<std::string> adds = writable;
      adds.push_back("copy-from");
      if (menu->ordered) adds.push_back("place-before");
      Standard(menu, "add", kPolicyWrite, {}, adds);
    } else if (menu->path == "/file" && tree_->version().major >= 7) {
      Standard(menu, "add", kPolicyWrite, {}, writable);
    }
    if (can_disable) {
      Standard(menu, "enable", kPolicyWrite, {"numbers"}, {});
      Standard(menu, "disable", kPolicyWrite, {"numbers"}, {});
    }
    if (has_comment) Standard(menu, "comment", kPolicyWrite, {"numbers"}, {"comment"});
    if (menu->ordered) Standard(menu, "move", kPolicyWrite, {"numbers", "destination"}, {});
    Standard(menu, "unset", kPolicyWrite, {"numbers", "value-name"}, {});
  }

  void Finish(MenuSpec* menu) {
    if (menu != &tree_->root()) AddStandardCommands(menu);
    for (auto& [name, command] : menu->commands) {
      static_cast<SimulatedCommand&>(*command).handler = FindHandler(menu->path, name);
    }
    for (auto& [name, child] : menu->children) Finish(child.get());
  }

  CommandTree* tree_;
  bool routerboard_;
  bool ppp_package_;
};

const CommandTree& MenuTree(const RouterVersion& version, bool routerboard, bool ppp_package,
                            const routeros::ConsoleDumps* dumps) {
  using Key = std::tuple<std::string, bool, bool, const void*>;
  static Mutex* const mutex = new Mutex();
  static auto* const trees = new std::map<Key, std::unique_ptr<CommandTree>>();
  const MutexLock lock(*mutex);
  std::unique_ptr<CommandTree>& tree = (*trees)[Key(version.text, routerboard, ppp_package, dumps)];
  if (!tree) {
    tree = std::make_unique<CommandTree>(
        routeros::Version{version.major, version.minor, version.patch, ""});
    TreeBuilder(tree.get(), routerboard, ppp_package).Build();
    const CommandTree* dump = dumps == nullptr ? nullptr : dumps->Nearest(tree->version());
    if (dump != nullptr) MergeDump(dump->root(), ppp_package ? "" : "/ppp", &tree->root());
  }
  return *tree;
}

}  // namespace muster::simulator
