// Says before a script goes onto routers what a router of one version would not load, and what it
// would do to the router beside its purpose.
//
// Syntax is checked by our own parser (routeros/language). Menus, commands and arguments are
// checked against a console dump of the version where one is given; without one only top menus are
// known, and what came later (deny_list.h). Scripts inside of the script (`source=`, `on-event=`,
// `:execute "…"`) are checked too. Text given to `:parse` is only searched for commands: that is
// where a script keeps what a version may lack.
//
// A check before, because a router tells afterwards and badly: one unknown command makes the whole
// script unusable, on-error does not save it, and before 7.8 nobody hears why
// (docs/assumptions.md, "Loading and language").
//
// Threads:  pure; safe from any thread.
// Units:    lines and columns count from 1; columns count bytes.
// Errors:   none; what is wrong with the script is a finding. Any bytes are taken.
// Example:  script_check_test.cc, NamesLineAndColumn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "routeros/language/command_tree.h"
#include "routeros/script/version.h"

namespace muster::routeros {

enum class FindingKind {
  kSyntax,   // does not load on this version, whatever the router
  kNewer,    // a command or argument that came with a later version
  kUnknown,  // the tree has no such menu, command or argument; a board may have more menus
};

struct Finding {
  FindingKind kind = FindingKind::kSyntax;
  uint32_t line = 1;
  uint32_t column = 1;
  // "bad command name foo". For a script inside of the script it says so, with its own line.
  std::string text;

  // "line 3 column 7: bad command name foo".
  std::string ToText() const;
};

struct ScriptReport {
  // In the order of the text; at most 100. A syntax error ends the check.
  std::vector<Finding> findings;
  // What the script does when it runs, also inside of functions, `:execute` and `:parse`; scripts
  // that it only stores (`source=`, `on-event=`) don't count.
  // After these the result of a job may never come: the job should say how it ends
  // (`--ends-with`).
  bool reboots = false;       // reboot, shutdown
  bool installs = false;      // package installation, upgrade, downgrade
  bool resets = false;        // reset-configuration
  bool loads_backup = false;  // backup load
};

ScriptReport CheckScript(absl::string_view script, const Version& version,
                         const language::CommandTree* tree = nullptr);

}  // namespace muster::routeros
