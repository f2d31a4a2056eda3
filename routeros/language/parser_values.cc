// Values: words, quoted texts with pieces of code in them, variables, brackets and arrays.
#include <utility>

#include "absl/strings/str_cat.h"
#include "routeros/language/parser_internal.h"

namespace muster::routeros::language {

// What may stand behind "name=": no operators, unless in brackets.
NodePtr Parser::ParseValue() {
  switch (cursor_.Peek()) {
    case '"':
      return ParseQuoted();
    case '$':
      return ParseVariable();
    case '[':
      return ParseSubstitution();
    case '(':
      return ParseGroup();
    case '{':
      return ParseArrayLiteral();
    default:
      return ParseWord();
  }
}

NodePtr Parser::ParseWord() {
  const size_t start = cursor_.position();
  // A word is what it looks like: `10.0.0.1` an address, `5s` a time, `yes` a truth value.
  while (!cursor_.AtEnd() && Cursor::IsWordByte(cursor_.Peek())) cursor_.Skip();
  if (cursor_.position() == start) return Fail("syntax error");
  const absl::string_view word = cursor_.Slice(start, cursor_.position());
  return MakeLiteral(FromWord(word), start);
}

// For names: a text that changes when it runs can't be one.
// Quoted text without variables or substitutions.
std::optional<std::string> Parser::ParsePlainQuoted() {
  const size_t start = cursor_.position();
  NodePtr node = ParseQuoted();
  if (!node) return std::nullopt;
  if (node->kind != NodeKind::kLiteral) {
    FailAt(start, "expected plain quoted text");
    return std::nullopt;
  }
  return node->value.text();
}

// Pieces and plain texts in turn; the plain one so far is in `plain`.
NodePtr Parser::ParseQuoted() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  NodePtr whole = MakeNode(NodeKind::kText, start);
  std::string plain;
  while (true) {
    if (cursor_.AtEnd()) return FailAt(start, "expected closing quote");
    const char c = cursor_.Peek();
    if (c == '"') {
      cursor_.Skip();
      break;
    }
    if (c == '\\') {
      cursor_.Skip();
      // A router refuses the text, not the one string.
      if (!cursor_.ReadEscape(&plain)) return Fail("bad escape in quoted text");
    } else if (c == '$') {
      if (!ParseQuotedPiece(whole.get(), &plain)) return nullptr;
    } else {
      plain.push_back(c);
      cursor_.Skip();
    }
  }
  // Nothing to put in when it runs: a literal.
  if (whole->children.empty()) return MakeLiteral(Value::String(std::move(plain)), start);
  if (!plain.empty()) {
    whole->children.push_back(MakeLiteral(Value::String(std::move(plain)), start));
  }
  return whole;
}

// What stood before it becomes a child first, so that the order is kept.
// $name, $[command] or $(expression) inside of quotes.
bool Parser::ParseQuotedPiece(Node* whole, std::string* plain) {
  const size_t start = cursor_.position();
  if (!plain->empty()) {
    whole->children.push_back(MakeLiteral(Value::String(std::move(*plain)), start));
    plain->clear();
  }
  NodePtr piece;
  if (cursor_.Peek(1) == '[') {
    cursor_.Skip();
    piece = ParseSubstitution();
  } else if (cursor_.Peek(1) == '(') {
    cursor_.Skip();
    piece = ParseGroup();
  } else {
    piece = ParseVariable();
  }
  if (!piece) return false;
  whole->children.push_back(std::move(piece));
  return true;
}

NodePtr Parser::ParseVariable() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  NodePtr node = MakeNode(NodeKind::kVariable, start);
  // Inside of quotes the quote ends the text; only outside it may hold a name.
  if (cursor_.Peek() == '"') {
    std::optional<std::string> quoted = ParsePlainQuoted();
    if (!quoted) return nullptr;
    node->text = *std::move(quoted);
  } else {
    const absl::string_view name = cursor_.PeekVariableName();
    // Whether it was declared is not asked: reading an unknown variable gives nothing on a router.
    node->text = std::string(name);
    cursor_.Skip(name.size());
  }
  if (node->text.empty()) return FailAt(start, "expected variable name");
  return node;
}

NodePtr Parser::ParseSubstitution() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  const MenuSpec* const menu = menu_;
  const MenuSpec* const filter_menu = std::exchange(filter_menu_, nullptr);
  // A bracket holds commands, with a current menu of their own.
  NodePtr block = ParseStatements(']');
  menu_ = menu;
  filter_menu_ = filter_menu;
  if (!block) return nullptr;
  NodePtr node = MakeNode(NodeKind::kSubstitution, start);
  node->children.push_back(std::move(block));
  return node;
}

// Around an expression: the only place, besides a where, where operators are read.
NodePtr Parser::ParseGroup() {
  const size_t start = cursor_.position();
  cursor_.Skip();
  // So that a word inside ends at it.
  closers_.push_back(')');
  NodePtr inner = ParseExpression(0);
  closers_.pop_back();
  if (!inner) return nullptr;
  cursor_.SkipBlanks();
  if (cursor_.Peek() != ')') return Fail("expected closing parenthesis");
  cursor_.Skip();
  NodePtr node = MakeNode(NodeKind::kGroup, start);
  node->children.push_back(std::move(inner));
  return node;
}

// Elements are parted by semicolons or lines.
NodePtr Parser::ParseArrayLiteral() {
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
  const size_t start = cursor_.position();
  cursor_.Skip();
  NodePtr array = MakeNode(NodeKind::kArray, start);
  // Elements are values, also where the array stands in a where.
  const MenuSpec* const filter_menu = std::exchange(filter_menu_, nullptr);
  closers_.push_back('}');
  while (true) {
    cursor_.SkipBetweenStatements();
    if (cursor_.AtEnd()) return Fail("expected closing brace");
    if (cursor_.Peek() == '}') break;
    if (!ParseArrayElement(array.get())) return nullptr;
    if (!AtStatementEnd()) return Fail("expected end of array element");
  }
  cursor_.Skip();
  closers_.pop_back();
  filter_menu_ = filter_menu;
  return array;
}

bool Parser::ParseArrayElement(Node* array) {
  NodePtr key;
  const size_t start = cursor_.position();
  const absl::string_view name = cursor_.PeekName();
  // `{a=1}` has a key, `{a}` a word.
  if (!name.empty() && cursor_.Peek(name.size()) == '=') {
    key = MakeLiteral(Value::String(std::string(name)), start);
    cursor_.Skip(name.size() + 1);
  } else if (cursor_.Peek() == '"') {
    NodePtr quoted = ParseQuoted();
    if (!quoted) return false;
    if (cursor_.Peek() == '=') {
      cursor_.Skip();
      key = std::move(quoted);
    } else {
      array->keys.push_back(nullptr);
      array->children.push_back(std::move(quoted));
      return true;
    }
  }
  NodePtr value;
  if (cursor_.Peek() == '{') {
    value = ParseArrayLiteral();
  } else {
    value = ParseValue();
  }
  if (!value) return false;
  array->keys.push_back(std::move(key));
  array->children.push_back(std::move(value));
  return true;
}

}  // namespace muster::routeros::language
