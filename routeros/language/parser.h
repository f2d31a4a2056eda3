// Parser of the RouterOS script language: the whole text or nothing, as RouterOS loads scripts.
//
// Names of menus, commands, arguments and properties are resolved against the tree of one
// version while parsing; anything unknown is an error with line and column, or a note.
//
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

struct ParseOptions {
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

ParseResult ParseScript(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options = {});

// The same, kept for the next router that loads the same text.
ParseResult ParseCached(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options = {});

}  // namespace muster::routeros::language
