// Console trees dumped from real routers, made into trees that scripts are parsed against.
//
// A dump is the console of one RouterOS version reduced to names: a menu is a JSON object, a
// command a list of its argument names (VERSION.json or VERSION.json.gz, as tikoci/restraml
// publishes them). They come from CHR routers: menus that need hardware (/system routerboard,
// wireless) are missing. Read-only properties and the order of unnamed arguments aren't in them.
//
// Threads:  dumps never change once read; safe from any thread.
// Blocks:   Read on the disk.
// Errors:   NotFound for a folder without dumps; DataLoss for a file that is none, naming it.
// Example:  script_check_test.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "routeros/language/command_tree.h"
#include "routeros/script/version.h"

namespace muster::routeros {

// The tree of one dump. `json` is unpacked already. InvalidArgument where it is no dump.
absl::StatusOr<std::unique_ptr<language::CommandTree>> ParseConsoleDump(const Version& version,
                                                                        absl::string_view json);

// All dumps of a folder, read once and shared: each is a tree of some ten thousand names.
class ConsoleDumps {
 public:
  // Other files are left alone; one bad dump fails the whole, since a check that silently knew
  // fewer versions would pass what routers refuse.
  // Reads every dump of `folder`.
  static absl::StatusOr<ConsoleDumps> Read(const std::string& folder);

  // Oldest first; never empty.
  const std::vector<std::unique_ptr<language::CommandTree>>& trees() const { return trees_; }
  // The newest tree that is not newer than `version` and of its family; below the family's first
  // one, that. Null where the family has none: nothing is then known of its menus.
  const language::CommandTree* Nearest(const Version& version) const;

 private:
  std::vector<std::unique_ptr<language::CommandTree>> trees_;
};

}  // namespace muster::routeros
