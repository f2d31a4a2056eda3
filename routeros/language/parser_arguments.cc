// Arguments of commands and calls: named, unnamed, flags, a where, and the places where a variable
// is declared or set, which decide whether a later `:set` loads.
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routeros/language/parser_internal.h"

namespace muster::routeros::language {
namespace {

// Arguments that stand alone, without a value.
constexpr std::array<absl::string_view, 26> kFlags = {
    "as-value",       "as-string",      "count-only", "detail",         "brief",
    "terse",          "value-list",     "show-ids",   "append",         "follow",
    "follow-only",    "follow-strict",  "once",       "verbose",        "compact",
    "hide-sensitive", "show-sensitive", "as-array",   "without-paging", "use-script-permissions",
    "dont-encrypt",   "dry-run",        "stats",      "bytes",          "packets",
    "as-string-value"};

bool IsFlag(absl::string_view word) {
  for (const absl::string_view flag : kFlags) {
    if (flag == word) return true;
  }
  return false;
}

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  for (const std::string& candidate : names) {
    if (candidate == name) return true;
  }
  return false;
}

// Arguments whose braces are a script's text, kept and not run.
bool HoldsSource(absl::string_view name) {
  return name == "source" || name == "on-event" || name == "up-script" || name == "down-script" ||
         name == "on-up" || name == "on-down" || name == "script";
}

}  // namespace

// With notes it is said even for 7.24, where it would raise when the command runs.
bool Parser::Knows(const CommandSpec* command, absl::string_view argument) const {
  // A call: its arguments are the function's business.
  if (command == nullptr) return true;
  // From 7.24 on a wrong argument is found when the command runs.
  const bool checked_when_it_runs = AtLeast(tree_.version(), 7, 24) && !notes_unknown();
  return command->guessed || command->Takes(argument) || checked_when_it_runs;
}

bool Parser::ParseArguments(Node* node, const CommandSpec* command) {
  const bool filters = command != nullptr && command->filter;
  while (!AtStatementEnd()) {
    if (filters) {
      const absl::string_view word = cursor_.PeekName();
      const bool where = word == "where";
      if (where) cursor_.Skip(word.size());
      // From here on there are no arguments any more, only terms.
      if (where || command->name == "find") return ParseFilter(node);
    }
    const absl::string_view name = cursor_.PeekName();
    const bool named = !name.empty() && cursor_.Peek(name.size()) == '=';
    bool taken = false;
    if (named || NamesNextValue(*node, command, name)) {
      if (!ParseNamedArgument(node, command, name)) return false;
    } else {
      if (!ParseFlagOrUnset(node, command, &taken)) return false;
      if (!taken && !ParseUnnamedArgument(node, command)) return false;
    }
    const char c = cursor_.Peek();
    // `a=1b=2` is no two arguments.
    const bool separated = AtStatementEnd() || c == ' ' || c == '\t' || c == '\r' || c == '\\';
    if (!separated) {
      Fail("expected end of command");
      return false;
    }
  }
  return true;
}

// A word that could be an unnamed argument is taken as one, but for `in`, which loops write so.
// A command of the language takes "on-error {…}" and "in $list" without the equals sign, as public
// scripts have it that run on 6.x and 7.x.
bool Parser::NamesNextValue(const Node& node, const CommandSpec* command, absl::string_view name) {
  if (command == nullptr || name.empty() || tree_.Builtin(command->name) != command) return false;
  const bool positional = Contains(command->positional, name) && name != "in";
  if (positional || !command->Takes(name) || node.Find(name) != nullptr) return false;
  // Looks ahead and goes back.
  const size_t before = cursor_.position();
  cursor_.Skip(name.size());
  const char next = cursor_.Peek();
  cursor_.SkipBlanks();
  const char value = cursor_.Peek();
  cursor_.MoveTo(before);
  const bool blank = next == ' ' || next == '\t' || next == '\\';
  return blank && (value == '{' || value == '$' || value == '[' || value == '(');
}

// "name=value"; a name twice is refused, as a console does.
bool Parser::ParseNamedArgument(Node* node, const CommandSpec* command, absl::string_view name) {
  const size_t start = cursor_.position();
  if (!Knows(command, name) && !NoteUnknown(start, absl::StrCat("bad parameter ", name))) {
    return false;
  }
  if (node->Find(name) != nullptr) {
    FailAt(start, absl::StrCat("parameter ", name, " given twice"));
    return false;
  }
  const std::string kept(name);
  cursor_.Skip(name.size());
  if (cursor_.Peek() == '=') {
    cursor_.Skip();
  } else {
    cursor_.SkipBlanks();
  }
  Argument argument;
  argument.name = kept;
  // Kept, so that it can raise when it runs, as 7.24 does.
  argument.unknown = command != nullptr && !command->Takes(kept);
  const Place place = cursor_.PlaceAt(start);
  argument.line = place.line;
  argument.column = place.column;
  if (command != nullptr && !command->positional.empty() && command->positional[0] == kept &&
      (kept == "name" || kept == "counter") && tree_.Builtin(command->name) == command &&
      command->name != "pick") {
    return ParseVariableName(node, kept);
  }
  if (AtStatementEnd() || cursor_.Peek() == ' ' || cursor_.Peek() == '\t') {
    // name= with nothing behind it is the empty text.
    argument.value = MakeLiteral(Value::String(""), cursor_.position());
  } else {
    argument.value = ParseArgumentValue(command, kept);
    if (!argument.value) return false;
  }
  node->arguments.push_back(std::move(argument));
  return true;
}

// `!name` (unset) is written for any argument, a flag only for those that take no value.
bool Parser::ParseFlagOrUnset(Node* node, const CommandSpec* command, bool* taken) {
  *taken = false;
  const size_t start = cursor_.position();
  const bool unset = cursor_.Peek() == '!';
  if (unset) cursor_.Skip();
  const absl::string_view word = cursor_.PeekName();
  // "detail=yes" is no flag.
  const bool ends = !Cursor::IsWordByte(cursor_.Peek(word.size()));
  const bool known = command != nullptr && command->Takes(word);
  const bool unknown_ok = command != nullptr && command->guessed;
  if (word.empty() || !ends ||
      !((known && (unset || IsFlag(word))) || (unknown_ok && IsFlag(word)))) {
    cursor_.MoveTo(start);
    return true;
  }
  Argument argument;
  argument.name = std::string(word);
  argument.unset = unset;
  const Place place = cursor_.PlaceAt(start);
  argument.line = place.line;
  argument.column = place.column;
  node->arguments.push_back(std::move(argument));
  cursor_.Skip(word.size());
  *taken = true;
  return true;
}

// Null where no further unnamed argument is taken.
const std::string* Parser::NextPositional(const Node& node, const CommandSpec& command) const {
  // A name that was given by "name=" is not asked for again.
  for (const std::string& name : command.positional) {
    if (node.Find(name) == nullptr) return &name;
  }
  return nullptr;
}

// Unnamed arguments take the names of `positional` in order, so that "value" and "value=value" are
// one to the reader of the node.
bool Parser::ParseUnnamedArgument(Node* node, const CommandSpec* command) {
  Argument argument;
  const Place place = cursor_.Here();
  argument.line = place.line;
  argument.column = place.column;
  if (command != nullptr) {
    const std::string* name = NextPositional(*node, *command);
    if (name == nullptr && !command->any_positional) {
      Fail("expected end of command");
      return false;
    }
    if (name != nullptr) argument.name = *name;
    const bool variable =
        name != nullptr && tree_.Builtin(command->name) == command &&
        (command->name == "local" || command->name == "global" || command->name == "set" ||
         command->name == "for" || command->name == "foreach" || command->name == "onerror") &&
        (*name == "name" || *name == "counter" || *name == "error");
    if (variable) return ParseVariableName(node, *name);
  }
  argument.value = ParseArgumentValue(command, argument.name);
  if (!argument.value) return false;
  node->arguments.push_back(std::move(argument));
  return true;
}

// The words of a variable's name, or of several where a loop may have them ("k,v"); empty where
// none stands here, nullopt after an error.
std::optional<std::string> Parser::ReadDeclaredName(bool sets, bool several) {
  // ":set $x 1" sets x, as public scripts that run on 6.x and 7.x have it.
  if (sets && cursor_.Peek() == '$') cursor_.Skip();
  // Quotes let a name hold what else would end it: "my-name".
  if (cursor_.Peek() == '"') return ParsePlainQuoted();
  std::string text(cursor_.PeekVariableName());
  cursor_.Skip(text.size());
  while (several && cursor_.Peek() == ',') {
    cursor_.Skip();
    const absl::string_view more = cursor_.PeekVariableName();
    loop_variables_.push_back(text);
    absl::StrAppend(&text, ",", more);
    cursor_.Skip(more.size());
    loop_variables_.push_back(std::string(more));
  }
  return text;
}

// A variable of a loop is declared for its body, one of `:local` for the rest of its block.
// The name of a variable where one is declared or set; `:set` takes ($map->"key") too.
bool Parser::ParseVariableName(Node* node, const std::string& name) {
  const size_t start = cursor_.position();
  Argument argument;
  argument.name = name;
  const Place place = cursor_.PlaceAt(start);
  argument.line = place.line;
  argument.column = place.column;
  const bool sets = node->command->name == "set";
  if (cursor_.Peek() == '(' && sets) {
    argument.value = ParseGroup();
    if (!argument.value) return false;
    node->arguments.push_back(std::move(argument));
    return true;
  }
  const std::optional<std::string> read = ReadDeclaredName(sets, name == "counter");
  if (!read) return false;
  const std::string& text = *read;
  if (text.empty()) {
    FailAt(start, "expected variable name");
    return false;
  }
  if (sets) {
    // RouterOS refuses the whole script where `:set` meets an unknown name.
    if (!IsDeclared(text)) {
      FailAt(start, absl::StrCat("syntax error: variable ", text, " is not declared"));
      return false;
    }
  } else if (name == "name") {
    Declare(text);
  } else {
    // Visible in the body only, so they are declared when that begins.
    loop_variables_.push_back(text);
  }
  argument.value = MakeLiteral(Value::String(text), start);
  node->arguments.push_back(std::move(argument));
  return true;
}

// Braces mean four things: code, a function, the source of a script, or an array.
NodePtr Parser::ParseArgumentValue(const CommandSpec* command, absl::string_view name) {
  if (cursor_.Peek() == '{') {
    const bool code = command != nullptr ? Contains(command->code, name)
                                         : name == "do" || name == "else" || name == "on-error";
    if (code) {
      // `:local f do={…}` makes a function, which sees no locals; `:if … do={…}` a block, which
      // does.
      const bool function =
          command != nullptr &&
          (command->name == "local" || command->name == "global" || command->name == "set");
      const size_t start = cursor_.position();
      NodePtr block = ParseBracedBlock(function);
      if (!block) return nullptr;
      NodePtr node = MakeNode(NodeKind::kFunction, start);
      node->children.push_back(std::move(block));
      return node;
    }
    // Not parsed here: it is the text of another script.
    if (HoldsSource(name)) return ParseSourceBraces();
  }
  return ParseValue();
}

// source={...}: the bytes between the braces, which must be balanced.
NodePtr Parser::ParseSourceBraces() {
  const size_t start = cursor_.position();
  // Braces inside of strings don't count.
  int depth = 0;
  bool quoted = false;
  while (!cursor_.AtEnd()) {
    const char c = cursor_.Peek();
    cursor_.Skip();
    if (c == '\\') {
      cursor_.Skip();
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '{') {
      ++depth;
    } else if (!quoted && c == '}' && --depth == 0) {
      const absl::string_view inside = cursor_.Slice(start + 1, cursor_.position() - 1);
      return MakeLiteral(Value::String(std::string(inside)), start);
    }
  }
  return Fail("expected closing brace");
}

// To the end of the command: nothing can follow a where.
bool Parser::ParseFilter(Node* node) {
  const MenuSpec* const outer = filter_menu_;
  filter_menu_ = node->menu;
  while (!AtFilterEnd()) {
    const size_t start = cursor_.position();
    NodePtr term = ParseExpression(0);
    if (!term) return false;
    if (!node->filter) {
      node->filter = std::move(term);
      continue;
    }
    // Terms side by side mean "and".
    NodePtr both = MakeNode(NodeKind::kBinary, start);
    both->op = Operator::kAnd;
    both->children.push_back(std::move(node->filter));
    both->children.push_back(std::move(term));
    node->filter = std::move(both);
  }
  filter_menu_ = outer;
  return true;
}

bool Parser::AtFilterEnd() { return AtStatementEnd(); }

}  // namespace muster::routeros::language
