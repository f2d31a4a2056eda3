// Parser of the RouterOS script language: the whole text or nothing, as RouterOS loads scripts.
//
// Names of menus, commands, arguments and properties are resolved against the tree of one
// version while parsing; anything unknown is an error with line and column, or a note.
//
// Two users with two wishes: the simulator refuses what a router would refuse (kRefuse); the script
// check (routeros/check) goes on behind an unknown name to find them all (kNote).
// Threads:  pure; ParseCached is safe from any thread.
// Owns:     a Program owns its text and tree; functions made while it runs hold it alive.
// Errors:   SyntaxError, whose message reads as a router would print it.
// Example:  parser_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "routeros/language/ast.h"
#include "routeros/language/command_tree.h"

namespace muster::routeros::language {

struct SyntaxError {
  // In the words of a console, without the place.
  std::string message;
  uint32_t line = 1;
  uint32_t column = 1;

  // "bad command name foo (line 1 column 3)".
  std::string ToText() const;
};

enum class UnknownNames {
  kRefuse,  // the text doesn't load, as on a router
  // For texts that are only looked at: names that the tree lacks are taken as they stand and
  // listed. Menus and commands of the program are then partly guessed.
  kNote,
};

// What is not known of routers, and what the caller wants.
struct ParseOptions {
  // The simulator runs its tests both ways.
  // Whether `.` binds tighter than `+` and `-`; nobody has seen which on hardware.
  bool dot_before_plus = false;
  UnknownNames unknown_names = UnknownNames::kRefuse;
};

struct ParseResult {
  std::shared_ptr<const Program> program;  // null: error says why
  SyntaxError error;
  // With UnknownNames::kNote: each name that the tree lacks, in the order of the text. What stands
  // in a menu that is unknown itself is not listed again.
  std::vector<SyntaxError> unknown;
};

// `tree` must outlive the program. Takes time in proportion to the text; nesting beyond 120 levels
// is an error, so that no text can exhaust the stack.
ParseResult ParseScript(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options = {});

// Errors are kept, too. Trees are told apart by address: a tree must live as long as the process.
// The same, kept for the next router that loads the same text.
ParseResult ParseCached(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options = {});

}  // namespace muster::routeros::language
