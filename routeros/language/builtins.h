// The commands of the language itself (":put", ":foreach" …) with the versions that brought them,
// and the notation in which commands are declared.
//
//   run('number,{do,as-value@7,ascii<7.20)@7.4
//
// declares `run` from 7.4 on: `'` marks an unnamed argument, in order; `{` one whose braces hold
// code; `@since` and `<before` the versions that have it.
//
// Sources: command trees of RouterOS 7.9 to 7.24 (tikoci/restraml), MikroTik's scripting manual and
// changelogs; for 6.x its manual.
//
// A table in a notation of its own, and not code: it is compared by eye with the manuals, and the
// simulator declares the commands of its menus in the same way.
// Threads:  pure functions; safe from any thread.
// Example:  parser_test.cc, AcceptsWhatALaterVersionBrought.
#pragma once

#include "absl/strings/string_view.h"
#include "routeros/language/command_tree.h"

namespace muster::routeros::language {

// Views into the declaration.
// A declared name without its version marks.
struct GatedName {
  absl::string_view name;
  bool present = true;  // whether the version has it
};
// "name@7.4<7.22" for `version`.
GatedName Gate(absl::string_view text, const Version& version);

// Fills name, arguments (sorted), positional and code of `command`. False where `version` doesn't
// have the command; it is then as it was.
bool DeclareCommand(absl::string_view declaration, const Version& version, CommandSpec* command);

// Declarations of all commands of the language, separated by blanks.
absl::string_view BuiltinCommands();

// Adds to the root what the language of the tree's version has.
void AddBuiltins(CommandTree* tree);

}  // namespace muster::routeros::language
