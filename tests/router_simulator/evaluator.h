// Runs a parsed script on a router: scopes, control flow, errors.
//
// Every Evaluate… and Run… answers false when the script can't go on here: an error, `:return`,
// a kill. What it was stands in `unwind()` until somebody takes it.
//
// Threads:  not safe; belongs to one task.
// Example:  behaviour_table_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/menu_tree.h"
#include "tests/router_simulator/version.h"

namespace muster::simulator {

class Router;
class Task;

enum class UnwindKind : uint8_t { kNone, kError, kReturn, kBreak, kContinue, kExit, kKilled };

struct Unwind {
  UnwindKind kind = UnwindKind::kNone;
  std::string text;  // of an error
  Value value;       // of :return
  uint32_t line = 0;
  uint32_t column = 0;
};

// Evaluated arguments of a command in the order in which they stood.
struct Arguments {
  struct One {
    absl::string_view name;  // of the source
    Value value;
    bool unset = false;
    const Argument* source = nullptr;
  };
  std::vector<One> all;

  const One* Find(absl::string_view name) const;
  bool Has(absl::string_view name) const { return Find(name) != nullptr; }
  // Nothing where it is absent.
  Value Get(absl::string_view name) const;
  std::string Text(absl::string_view name) const { return ToText(Get(name)); }
};

// Properties of the row that a where looks at; null: the name is none.
using RowReader = std::function<bool(const std::string& property, Value* value)>;

class Evaluator {
 public:
  Evaluator(Router* router, Task* task, uint32_t policy);

  // Runs a whole text in a frame of its own.
  bool RunProgram(const std::shared_ptr<const Program>& program, Value* result);
  // Calls a function or parsed code.
  bool Call(const Value& code, std::vector<Value> positional,
            std::vector<std::pair<std::string, Value>> named, Value* result);

  bool Evaluate(const Node& node, Value* result);
  // Statements in a scope of their own; `result` gets the last statement's value.
  bool RunBlock(const Node& block, Value* result);
  // The body of a do={...} argument, with variables set first.
  bool RunBody(const Argument& argument,
               const std::vector<std::pair<std::string, Value>>& variables, Value* result);
  bool EvaluateArguments(const Node& command, Arguments* arguments);
  // Whether the row passes the command's where (or it has none).
  bool Matches(const Node& command, const RowReader& reader, bool* matches);

  // Raises an error at `node`. Always false.
  bool Fail(const Node& node, absl::string_view text);
  bool Leave(UnwindKind kind, Value value);
  const Unwind& unwind() const { return unwind_; }
  Unwind TakeUnwind();

  void DeclareLocal(const std::string& name, Value value);
  void DeclareGlobal(const std::string& name);
  // False where no such variable is in sight.
  bool SetVariable(const std::string& name, Value value);
  Value GetVariable(const std::string& name);

  // Lets other scripts of the router run for so long. False where this one was killed meanwhile.
  bool Sleep(const Node& node, absl::Duration by);

  Router& router() { return *router_; }
  Task& task() { return *task_; }
  uint32_t policy() const { return policy_; }
  void set_policy(uint32_t policy) { policy_ = policy; }
  bool Needs(const Node& node, uint32_t policy);
  const Quirks& quirks() const;
  const RouterVersion& version() const;
  // Where `:put` and print write.
  void Print(absl::string_view line);
  std::string* RedirectOutput(std::string* output);

 private:
  struct Variable {
    std::string name;
    Value value;
    bool global = false;
  };
  struct Frame {
    size_t first_variable = 0;
    std::shared_ptr<const Program> program;
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
  };

  bool EvaluateText(const Node& node, Value* result);
  bool EvaluateArray(const Node& node, Value* result);
  bool EvaluateUnary(const Node& node, Value* result);
  bool EvaluateBinary(const Node& node, Value* result);
  bool EvaluateLogic(const Node& node, Value* result);
  bool EvaluateProperty(const Node& node, Value* result);
  bool RunCommand(const Node& node, Value* result);
  bool RunCall(const Node& node, Value* result);
  bool RunBareBracket(const Node& node, Value* result);
  bool RunStatement(const Node& node, Value* result);
  bool CountStep(const Node& node);
  Variable* FindVariable(const std::string& name);

  Router* router_;
  Task* task_;
  uint32_t policy_;
  Unwind unwind_;
  std::vector<Variable> variables_;
  std::vector<Frame> frames_;
  const RowReader* row_ = nullptr;
  std::string* output_ = nullptr;
  int depth_ = 0;
  uint64_t steps_ = 0;
};

// Binary operators but && and ||. Nullopt and `*error` where RouterOS raises.
std::optional<Value> ApplyOperator(Operator op, const Value& a, const Value& b,
                                   const Quirks& quirks, std::string* error);

}  // namespace muster::simulator
