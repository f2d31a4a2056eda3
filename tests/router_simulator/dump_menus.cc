#include "tests/router_simulator/dump_menus.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/menu_tree.h"

namespace muster::simulator {
namespace {

bool OnlyReads(absl::string_view command) {
  return command == "print" || command == "get" || command == "find" || command == "export";
}

void TakeProperties(const MenuSpec& from, bool fresh, MenuSpec* to) {
  for (const PropertySpec& property : from.properties) {
    if (to->Property(property.name) != nullptr) continue;
    PropertySpec taken = property;
    taken.unique = fresh && taken.name == "name" && to->kind == MenuKind::kTable;
    if (taken.name == "disabled") taken.initial = Value::Bool(false);
    if (taken.name == "disabled") taken.type = PropertyType::kBool;
    to->properties.push_back(std::move(taken));
  }
}

void TakeCommand(const CommandSpec& from, MenuSpec* to) {
  std::unique_ptr<CommandSpec>& place = to->commands[from.name];
  if (place) {
    std::vector<std::string>& arguments = place->arguments;
    arguments.insert(arguments.end(), from.arguments.begin(), from.arguments.end());
    std::sort(arguments.begin(), arguments.end());
    arguments.erase(std::unique(arguments.begin(), arguments.end()), arguments.end());
    return;
  }
  auto command = std::make_unique<SimulatedCommand>();
  command->name = from.name;
  command->arguments = from.arguments;
  command->positional = from.positional;
  command->code = from.code;
  command->filter = from.filter;
  command->any_positional = from.any_positional;
  command->menu = to;
  command->policy = OnlyReads(from.name) ? kPolicyRead : kPolicyWrite;
  command->handler = FindHandler(to->path, from.name);
  place = std::move(command);
}

}  // namespace

void MergeDump(const MenuSpec& from, absl::string_view without, MenuSpec* to) {
  if (!without.empty() && absl::StartsWith(from.path, without)) return;
  const bool fresh = to->commands.empty() && to->properties.empty();
  if (fresh) {
    to->kind = from.kind;
    to->ordered = from.ordered;
    to->fixed = from.fixed;
    to->more_properties = true;
  }
  TakeProperties(from, fresh, to);
  for (const auto& [name, command] : from.commands) TakeCommand(*command, to);
  for (const auto& [name, child] : from.children) {
    if (!without.empty() && absl::StartsWith(child->path, without)) continue;
    MergeDump(*child, without, &to->Child(name));
  }
}

}  // namespace muster::simulator
