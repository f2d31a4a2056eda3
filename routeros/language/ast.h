// What the parser makes of a script: a tree of nodes with line and column, resolved against the
// menus of one RouterOS version, so that running it needs no further look-up of names.
//
// One struct for all kinds of nodes instead of a class each: its two readers, the simulator and the
// script check, walk all nodes alike, and scripts are small.
//
// Threads:  never changed once parsed; safe to read from any thread.
// Owns:     a Program owns its nodes; `command` and `menu` point into the tree that it was parsed
//           against or into its guessed menus, so that tree must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "routeros/language/command_tree.h"
#include "routeros/language/value.h"

namespace muster::routeros::language {

// Behind each kind: which members of Node it uses.
enum class NodeKind : uint8_t {
  // Expressions.
  kLiteral,   // value
  kText,      // children joined: literals, variables, substitutions in one quoted string
  kVariable,  // text = name
  kArray,     // children; text of a child's `key` in keys[i]
  // Run for its value.
  kSubstitution,  // [ ... ]: children[0] = kBlock
  kGroup,         // ( ... ): children[0]
  kFunction,      // do={...} as a value: children[0] = kBlock
  kUnary,         // op, children[0]
  kBinary,        // op, children[0], children[1]
  // Its value is that of the row that is looked at.
  kProperty,  // a property's name in a where
  // What a kBlock holds, besides a bare kSubstitution.
  // Statements.
  kBlock,    // children = statements
  kCommand,  // command, menu, arguments
  // A variable that holds a function or code, called.
  kCall,       // $f a b=c: text = name; arguments
  kCallValue,  // ($m->"f") a b=c: children[0] = the expression; arguments
};

// In no order of precedence: that is Parser::LevelOf.
enum class Operator : uint8_t {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kGreater,
  kLessEqual,
  kGreaterEqual,
  kMatch,
  kIn,
  kDot,
  kComma,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kBitOr,
  kBitXor,
  kBitAnd,
  kShiftLeft,
  kShiftRight,
  kIndex,
  kNot,
  kNegate,
  kBitNot,
};

// One argument of a command or a call, in the order of the text.
struct Argument {
  std::string name;             // "" for a positional one
  std::unique_ptr<Node> value;  // null: a bare flag such as as-value, or !name
  bool unset = false;           // !name
  // Before 7.24 such a script did not load at all (eworm-de/routeros-scripts).
  bool unknown = false;  // an error when it runs (7.24 and later)
  uint32_t line = 1;
  uint32_t column = 1;
};

// `line` and `column` are where the node begins, from 1, in bytes.
struct Node {
  NodeKind kind = NodeKind::kLiteral;
  Operator op = Operator::kOr;
  uint32_t line = 1;
  uint32_t column = 1;
  Value value;
  std::string text;
  std::vector<std::unique_ptr<Node>> children;
  std::vector<std::unique_ptr<Node>> keys;  // kArray: as long as children; null = positional
  const CommandSpec* command = nullptr;
  const MenuSpec* menu = nullptr;
  std::vector<Argument> arguments;
  // `command` and `menu` are set for kCommand alone.
  std::unique_ptr<Node> filter;  // where of find and print

  // Null where it was not given.
  const Argument* Find(absl::string_view name) const {
    for (const Argument& argument : arguments) {
      if (argument.name == name) return &argument;
    }
    return nullptr;
  }
};

// A whole text. Functions and code that were made of it while it ran hold it alive.
struct Program {
  std::string text;
  // Menus that the tree lacks and the text names; empty unless unknown names are noted.
  std::vector<std::unique_ptr<MenuSpec>> guessed_menus;
  Node root;  // kBlock
};

}  // namespace muster::routeros::language
