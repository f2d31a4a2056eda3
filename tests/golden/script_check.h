// Walks a generated RouterOS script and says what a router of one version would not load.
//
// It knows the outer grammar (statements, paths, arguments, blocks, strings, substitutions), and
// takes menus, commands and arguments from a console tree. Text in `source=`, `script=` and
// `on-event=` is walked too; text given to :parse is only checked for its structure, because that
// is where a script keeps what a version may lack.
//
// Threads:  pure; safe from any thread.
// Example:  script_check_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "routeros/language/command_tree.h"
#include "routeros/script/version.h"

namespace muster::golden {

struct Problem {
  int line = 0;
  std::string text;
};

// What the walk found besides problems.
struct ScriptFacts {
  // Literal texts handed to $muGet: evaluated at run time, and missing without harm.
  std::vector<std::string> lookups;
  // Every `policy=` list, in order.
  std::vector<std::string> policies;
};

std::vector<Problem> CheckScript(absl::string_view script,
                                 const routeros::language::CommandTree& tree,
                                 const routeros::Version& version, ScriptFacts* facts = nullptr);

std::string ProblemText(const std::vector<Problem>& problems);

}  // namespace muster::golden
