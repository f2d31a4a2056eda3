// The console trees of real routers (routeros-trees beside the specification), for checking what
// Muster generates.
//
// Threads:  a tree never changes once read.
// Errors:   NotFound where the folder is absent; DataLoss for a file that can't be read.
// Example:  script_check_test.cc.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "routeros/script/version.h"

namespace muster::golden {

struct Menu {
  std::map<std::string, Menu> menus;
  // Names of a command's arguments.
  std::map<std::string, std::set<std::string>> commands;
};

struct CommandTree {
  routeros::Version version;
  Menu root;
};

// All trees of $MUSTER_TEST_DATA/routeros-trees, oldest first.
absl::StatusOr<std::vector<CommandTree>> ReadCommandTrees();

// The newest tree that is not newer than `version` and of the same family; where there is none, the
// oldest tree, and the deny list has to say what `version` lacks of it.
const CommandTree& NearestTree(const std::vector<CommandTree>& trees,
                               const routeros::Version& version);

}  // namespace muster::golden
