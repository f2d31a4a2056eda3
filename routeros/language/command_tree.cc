// Look-ups in one version's tree. Menus are found by map, arguments by halving, properties one by
// one: by how many there are of each.
#include "routeros/language/command_tree.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster::routeros::language {

bool CommandSpec::Takes(absl::string_view argument) const {
  // Sorted by DeclareCommand and by the dumps' reader.
  return std::binary_search(arguments.begin(), arguments.end(), argument);
}

const PropertySpec* MenuSpec::Property(absl::string_view name) const {
  for (const PropertySpec& property : properties) {
    if (property.name == name) return &property;
  }
  return nullptr;
}

const PropertySpec* MenuSpec::Key() const {
  for (const PropertySpec& property : properties) {
    if (property.unique) return &property;
  }
  return nullptr;
}

// The path says where the menu hangs; it is never given by the caller.
MenuSpec& MenuSpec::Child(absl::string_view name) {
  std::unique_ptr<MenuSpec>& child = children[std::string(name)];
  if (!child) {
    child = std::make_unique<MenuSpec>();
    child->path = absl::StrCat(path, "/", name);
  }
  return *child;
}

// The root has the language's commands and its own: consoles make no difference.
const CommandSpec* CommandTree::Builtin(absl::string_view name) const {
  const auto found = root_.commands.find(std::string(name));
  return found == root_.commands.end() ? nullptr : found->second.get();
}

// Slashes anywhere are as good as one: "//ip/address/" is found.
const MenuSpec* CommandTree::Menu(absl::string_view path) const {
  const MenuSpec* menu = &root_;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    const auto found = menu->children.find(std::string(part));
    if (found == menu->children.end()) return nullptr;
    menu = found->second.get();
  }
  return menu;
}

bool AtLeast(const Version& version, int major, int minor) {
  return version.major > major || (version.major == major && version.minor >= minor);
}

}  // namespace muster::routeros::language
