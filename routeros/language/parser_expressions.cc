// Expressions by precedence climbing, and terms of a where, in which bare words are names of
// properties on the left and texts on the right.
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routeros/language/parser_internal.h"

namespace muster::routeros::language {
namespace {

struct OperatorText {
  absl::string_view text;
  Operator op;
};
// Longer ones first.
constexpr std::array<OperatorText, 21> kOperators = {{
    // Else "<=" would be read as "<" and "=".
    {"||", Operator::kOr},         {"&&", Operator::kAnd},          {"!=", Operator::kNotEqual},
    {"<=", Operator::kLessEqual},  {">=", Operator::kGreaterEqual}, {"<<", Operator::kShiftLeft},
    {">>", Operator::kShiftRight}, {"->", Operator::kIndex},        {"=", Operator::kEqual},
    {"<", Operator::kLess},        {">", Operator::kGreater},       {"~", Operator::kMatch},
    {".", Operator::kDot},         {",", Operator::kComma},         {"+", Operator::kAdd},
    {"-", Operator::kSubtract},    {"*", Operator::kMultiply},      {"/", Operator::kDivide},
    {"%", Operator::kModulo},      {"|", Operator::kBitOr},         {"^", Operator::kBitXor},
}};

constexpr int kComparisonLevel = 3;
constexpr int kTopLevel = 8;

bool IsComparison(Operator op) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kNotEqual:
    case Operator::kLess:
    case Operator::kGreater:
    case Operator::kLessEqual:
    case Operator::kGreaterEqual:
    case Operator::kMatch:
    case Operator::kIn:
      return true;
    default:
      return false;
  }
}

}  // namespace

// 0 binds loosest. The order between the dot and plus is not verified on hardware.
int Parser::LevelOf(Operator op) const {
  switch (op) {
    case Operator::kComma:
      return 0;
    case Operator::kOr:
      return 1;
    case Operator::kAnd:
      return 2;
    case Operator::kBitOr:
    case Operator::kBitXor:
    case Operator::kBitAnd:
    case Operator::kShiftLeft:
    case Operator::kShiftRight:
      return 4;
    // No manual tells this order; the simulator tries both.
    case Operator::kDot:
      return options_.dot_before_plus ? 6 : 5;
    case Operator::kAdd:
    case Operator::kSubtract:
      return options_.dot_before_plus ? 5 : 6;
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kModulo:
      return 7;
    case Operator::kIndex:
      return kTopLevel + 1;
    default:
      return IsComparison(op) ? kComparisonLevel : kTopLevel;
  }
}

// Blanks are skipped already.
bool Parser::PeekOperator(Operator* op, size_t* length) {
  const absl::string_view rest = cursor_.Slice(cursor_.position(), text_.size());
  // Words as operators: `or`, `and`, `in`.
  const absl::string_view word = cursor_.PeekVariableName();
  if (!word.empty()) {
    *length = word.size();
    if (word == "or")
      *op = Operator::kOr;
    else if (word == "and")
      *op = Operator::kAnd;
    else if (word == "in")
      *op = Operator::kIn;
    else
      return false;
    return true;
  }
  // The next term of a where, not a dot.
  if (filter_menu_ != nullptr && rest.substr(0, 3) == ".id") return false;
  for (const OperatorText& candidate : kOperators) {
    if (rest.substr(0, candidate.text.size()) == candidate.text) {
      *op = candidate.op;
      *length = candidate.text.size();
      return true;
    }
  }
  if (!rest.empty() && rest[0] == '&') {
    *op = Operator::kBitAnd;
    *length = 1;
    return true;
  }
  return false;
}

// `level`: the loosest operator that is still taken here.
NodePtr Parser::ParseExpression(int level) {
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
  const size_t start = cursor_.position();
  NodePtr left = ParseUnary();
  while (left) {
    const size_t before = cursor_.position();
    cursor_.SkipBlanks();
    Operator op;
    size_t length = 0;
    // The arrow binds to operands (ParsePostfix), so here it is none.
    if (AtStatementEnd() || !PeekOperator(&op, &length) || LevelOf(op) < level ||
        op == Operator::kIndex) {
      // In a where the next term may follow after a blank, and its first byte may look like one.
      cursor_.MoveTo(before);
      return left;
    }
    cursor_.Skip(length);
    cursor_.SkipBlanks();
    NodePtr right = filter_menu_ != nullptr && IsComparison(op) ? ParseFilterOperand(true)
                                                                : ParseExpression(LevelOf(op) + 1);
    if (!right) return nullptr;
    NodePtr node = MakeNode(NodeKind::kBinary, start);
    node->op = op;
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    left = std::move(node);
  }
  return left;
}

// Binds tighter than every operator but the arrow.
NodePtr Parser::ParseUnary() {
  cursor_.SkipBlanks();
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
  const size_t start = cursor_.position();
  const char c = cursor_.Peek();
  Operator op;
  size_t length = 1;
  if (c == '!') {
    op = Operator::kNot;
  } else if (c == '~') {
    op = Operator::kBitNot;
    // "-1" is a number; "-$x" turns a value round.
  } else if (c == '-' && !absl::ascii_isdigit(cursor_.Peek(1))) {
    op = Operator::kNegate;
  } else if (cursor_.PeekVariableName() == "not") {
    op = Operator::kNot;
    length = 3;
  } else {
    return ParsePostfix();
  }
  cursor_.Skip(length);
  NodePtr inner = ParseUnary();
  if (!inner) return nullptr;
  NodePtr node = MakeNode(NodeKind::kUnary, start);
  node->op = op;
  node->children.push_back(std::move(inner));
  return node;
}

// An operand and the arrows behind it.
NodePtr Parser::ParsePostfix() {
  const size_t start = cursor_.position();
  NodePtr left = ParseOperand();
  while (left) {
    const size_t before = cursor_.position();
    cursor_.SkipBlanks();
    if (cursor_.Peek() != '-' || cursor_.Peek(1) != '>') {
      cursor_.MoveTo(before);
      return left;
    }
    cursor_.Skip(2);
    cursor_.SkipBlanks();
    NodePtr key = ParseOperand();
    if (!key) return nullptr;
    NodePtr node = MakeNode(NodeKind::kBinary, start);
    node->op = Operator::kIndex;
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(key));
    left = std::move(node);
  }
  return left;
}

// What begins with one of these bytes is the same in a where and outside of one.
NodePtr Parser::ParseOperand() {
  const Nesting nesting(this);
  if (!nesting.ok()) return Fail("nested too deep");
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
      break;
  }
  // Only in a where may a bare word be a property.
  if (filter_menu_ != nullptr) return ParseFilterOperand(false);
  return ParseBareOperand();
}

// Numbers, times, addresses, ids and truth values: what may stand bare between parentheses.
NodePtr Parser::ParseBareOperand() {
  const size_t start = cursor_.position();
  if (cursor_.Peek() == '-' || cursor_.Peek() == '*') cursor_.Skip();
  // "::1"
  if (cursor_.Peek() == ':' && cursor_.Peek(1) == ':') cursor_.Skip(2);
  while (!cursor_.AtEnd()) {
    const char c = cursor_.Peek();
    const bool inside = cursor_.position() > start;
    // Bytes that hold addresses and times together, if what follows could go on.
    const bool joins = (c == '.' || c == ':' || c == '/') && inside &&
                       (absl::ascii_isxdigit(cursor_.Peek(1)) || cursor_.Peek(1) == ':');
    if (!absl::ascii_isalnum(c) && !joins && !(c == ':' && inside)) break;
    cursor_.Skip();
  }
  absl::string_view word = cursor_.Slice(start, cursor_.position());
  if (word.empty()) return Fail("syntax error");
  Value value = FromWord(word);
  // Something that has a type is taken whole, before it is taken apart.
  if (!value.IsText()) return MakeLiteral(std::move(value), start);
  if (word == "nil") return MakeLiteral(Value::Nil(), start);
  // "10/2" and "1.2" are a number, an operator and another number.
  size_t digits = word[0] == '-' ? 1 : 0;
  while (digits < word.size() && absl::ascii_isdigit(word[digits])) ++digits;
  const bool operator_follows =
      digits < word.size() && (word[digits] == '.' || word[digits] == '/');
  if (operator_follows && digits > 0) {
    cursor_.MoveTo(start + digits);
    return MakeLiteral(FromWord(word.substr(0, digits)), start);
  }
  // Public scripts write "!= null"; what a router makes of them is not known.
  if (!NoteUnknown(start, absl::StrCat("syntax error: ", word, " is no value"))) return nullptr;
  return MakeLiteral(std::move(value), start);
}

// "where name=muster" compares; "where disabled" asks for truth.
// In a where: a property's name on the left of a comparison or alone, any word on the right.
NodePtr Parser::ParseFilterOperand(bool right_side) {
  const char c = cursor_.Peek();
  // Quoted texts, variables and brackets are values on both sides.
  const bool plain = c != '"' && c != '$' && c != '[' && c != '(' && c != '{';
  if (right_side && !plain) return ParseExpression(kComparisonLevel + 1);
  const size_t start = cursor_.position();
  if (right_side) {
    // "comment=" with nothing behind it compares with the empty text.
    if (AtStatementEnd() || c == ' ' || c == '\t' || c == ')') {
      return MakeLiteral(Value::String(""), start);
    }
    NodePtr word = ParseWord();
    if (word && word->value.IsText() && filter_menu_->Property(word->value.text()) != nullptr &&
        !notes_unknown()) {
      return FailAt(start, absl::StrCat("ambiguous: ", word->value.text(),
                                        " is a property; quote it if it is meant as text"));
    }
    return word;
  }
  const absl::string_view name = cursor_.PeekName();
  if (name.empty()) return Fail("syntax error");
  // Dumps don't tell read-only properties, so with them a name can't be refused.
  const bool known =
      name == ".id" || filter_menu_->more_properties || filter_menu_->Property(name) != nullptr;
  if (!known && !NoteUnknown(start, absl::StrCat("expected property name; ", name, " is none"))) {
    return nullptr;
  }
  NodePtr node = MakeNode(NodeKind::kProperty, start);
  node->text = std::string(name);
  cursor_.Skip(name.size());
  return node;
}

}  // namespace muster::routeros::language
