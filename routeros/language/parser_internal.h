// The recursive-descent parser behind parser.h; statements, arguments, values and expressions lie
// in a file each.
//
// Without a separate lexer, because in this language a byte's meaning depends on what is expected:
// "-" is a sign, an operator or a letter of a name, "." joins texts or belongs to an address, "/"
// divides, begins a path or belongs to a prefix.
//
// Every Parse… answers null after an error, and then error() says which; the first error stays.
// The cursor then stands anywhere: nobody goes on after an error.
//
// Threads:  not safe; one parser for one text.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routeros/language/cursor.h"
#include "routeros/language/parser.h"

namespace muster::routeros::language {

using NodePtr = std::unique_ptr<Node>;

class Parser {
 public:
  Parser(absl::string_view text, const CommandTree& tree, const ParseOptions& options);

  // The whole text or null; to be called once.
  NodePtr ParseWhole();
  const SyntaxError& error() const { return error_; }
  std::vector<SyntaxError> TakeUnknown() { return std::move(unknown_); }
  std::vector<std::unique_ptr<MenuSpec>> TakeGuessedMenus() { return std::move(guessed_menus_); }

 private:
  // Looked up from the innermost outwards, up to a function: a function sees no local of its caller
  // (docs/assumptions.md, "Loading and language").
  // Variables that one text, function or block has declared.
  struct Scope {
    std::set<std::string> names;
    bool function = false;  // what lies outside is not visible
  };
  class Nesting;

  // parser.cc
  NodePtr ParseStatements(char closer);
  NodePtr ParseStatement();
  NodePtr ParseBracedBlock(bool function);
  NodePtr ParseBuiltin();
  NodePtr ParsePath();
  NodePtr ParseRelative();
  NodePtr ParseCall();
  NodePtr ParseGroupCall();
  NodePtr ParseBracketStatement();
  // Walks along names of menus to a command, or answers null without an error where the words only
  // change the current menu ("/ip address" on a line of its own).
  NodePtr FinishMenuWalk(const MenuSpec* menu, bool slashes, bool moved, size_t start);
  // The three Guess functions serve kNote: they make up what the tree lacks, so that the rest of
  // the script can still be read.
  NodePtr GuessMenuWalk(const MenuSpec* menu, size_t start, size_t unknown_at);
  MenuSpec* GuessMenu(const MenuSpec* parent, absl::string_view name);
  const CommandSpec* GuessCommand(const MenuSpec* parent, absl::string_view name);
  NodePtr ParseCommand(const CommandSpec* command, size_t start);
  bool AtStatementEnd();

  // parser_arguments.cc
  bool ParseArguments(Node* node, const CommandSpec* command);
  // Whether the word here names the value behind it though no "=" stands between ("do {…}").
  bool NamesNextValue(const Node& node, const CommandSpec* command, absl::string_view name);
  bool ParseNamedArgument(Node* node, const CommandSpec* command, absl::string_view name);
  bool ParseUnnamedArgument(Node* node, const CommandSpec* command);
  std::optional<std::string> ReadDeclaredName(bool sets, bool several);
  bool ParseVariableName(Node* node, const std::string& argument);
  bool ParseFlagOrUnset(Node* node, const CommandSpec* command, bool* taken);
  const std::string* NextPositional(const Node& node, const CommandSpec& command) const;
  NodePtr ParseArgumentValue(const CommandSpec* command, absl::string_view name);
  NodePtr ParseSourceBraces();
  bool ParseFilter(Node* node);
  void DeclareLoopVariables(const Node& node);
  bool Knows(const CommandSpec* command, absl::string_view argument) const;

  // parser_values.cc
  NodePtr ParseValue();
  NodePtr ParseWord();
  NodePtr ParseQuoted();
  bool ParseQuotedPiece(Node* whole, std::string* plain);
  NodePtr ParseVariable();
  NodePtr ParseSubstitution();
  NodePtr ParseGroup();
  NodePtr ParseArrayLiteral();
  bool ParseArrayElement(Node* array);
  std::optional<std::string> ParsePlainQuoted();

  // parser_expressions.cc
  NodePtr ParseExpression(int level);
  NodePtr ParseUnary();
  NodePtr ParsePostfix();
  NodePtr ParseOperand();
  NodePtr ParseBareOperand();
  NodePtr ParseFilterOperand(bool right_side);
  bool PeekOperator(Operator* op, size_t* length);
  int LevelOf(Operator op) const;
  bool AtFilterEnd();

  NodePtr MakeNode(NodeKind kind, size_t position);
  NodePtr MakeLiteral(Value value, size_t position);
  // At the cursor, or at a place before it; both answer null, so that a parser can return them.
  NodePtr Fail(absl::string_view message);
  NodePtr FailAt(size_t position, absl::string_view message);
  // With UnknownNames::kNote lists the name; else it is an error.
  bool NoteUnknown(size_t position, absl::string_view message);
  bool notes_unknown() const { return options_.unknown_names == UnknownNames::kNote; }
  // In the innermost scope. `:set` of a name that nothing declared doesn't load.
  void Declare(absl::string_view name);
  bool IsDeclared(absl::string_view name) const;

  absl::string_view text_;
  Cursor cursor_;
  const CommandTree& tree_;
  ParseOptions options_;
  // A path alone sets it for what follows in the block; a block, a bracket and a function put it
  // back.
  const MenuSpec* menu_;                   // where relative commands are looked up
  const MenuSpec* filter_menu_ = nullptr;  // set inside of a where
  std::string closers_;                    // brackets and braces that are open, innermost last
  std::vector<Scope> scopes_;
  std::vector<std::string> loop_variables_;  // of the command whose arguments are being read
  // Shared by all levels of recursion; see Nesting.
  int depth_ = 0;
  std::vector<SyntaxError> unknown_;
  std::vector<std::unique_ptr<MenuSpec>> guessed_menus_;
  SyntaxError error_;
  bool failed_ = false;
};

// Counts how deep the text nests; ok() is false beyond what the simulator follows.
class Parser::Nesting {
 public:
  explicit Nesting(Parser* parser) : parser_(parser) { ++parser_->depth_; }
  ~Nesting() { --parser_->depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  bool ok() const { return parser_->depth_ <= kDeepest; }

 private:
  static constexpr int kDeepest = 120;
  Parser* parser_;
};

}  // namespace muster::routeros::language
