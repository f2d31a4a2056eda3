// Parser of the RouterOS script language: the whole text or nothing, as RouterOS loads scripts.
//
// Names of menus, commands, arguments and properties are resolved against the tree of one
// version while parsing; anything unknown is an error with line and column.
//
// Threads:  pure; ParseCached is safe from any thread.
// Owns:     a Program owns its text and tree; functions made while it runs hold it alive.
// Errors:   SyntaxError, whose message reads as a router would print it.
// Example:  parser_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

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

struct ParseOptions {
  // See Quirks::dot_before_plus.
  bool dot_before_plus = false;
  // For scripts that are only looked at: menus and arguments that the tree doesn't have are
  // taken as they stand. What comes out can't be run.
  bool allow_unknown_names = false;
};

struct ParseResult {
  std::shared_ptr<const Program> program;  // null: error says why
  SyntaxError error;
};

ParseResult ParseScript(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options = {});

// The same, kept for the next router that loads the same text.
ParseResult ParseCached(absl::string_view text, const CommandTree& tree,
                        const ParseOptions& options = {});

}  // namespace muster::routeros::language
