#include "tests/router_simulator/evaluator.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

// The longest run of steps before the others get their turn, and what it costs in router time.
constexpr uint64_t kStepsPerTurn = 20'000;
constexpr absl::Duration kTurnCost = absl::Milliseconds(10);
constexpr int kDeepest = 700;

// Null where the simulator can't run it.
const SimulatedCommand* CommandOf(const Node& node) {
  const auto* command = static_cast<const SimulatedCommand*>(node.command);
  return command == nullptr || command->handler == nullptr ? nullptr : command;
}

}  // namespace

const Arguments::One* Arguments::Find(absl::string_view name) const {
  for (const One& one : all) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

Value Arguments::Get(absl::string_view name) const {
  const One* one = Find(name);
  return one == nullptr ? Value() : one->value;
}

Evaluator::Evaluator(Router* router, Task* task, uint32_t policy)
    : router_(router), task_(task), policy_(policy) {}

const Quirks& Evaluator::quirks() const { return router_->quirks(); }
const RouterVersion& Evaluator::version() const { return router_->options().version; }

bool Evaluator::Fail(const Node& node, absl::string_view text) {
  unwind_ = {UnwindKind::kError, std::string(text), Value(), node.line, node.column};
  return false;
}

bool Evaluator::Leave(UnwindKind kind, Value value) {
  unwind_.kind = kind;
  unwind_.value = std::move(value);
  unwind_.text.clear();
  return false;
}

Unwind Evaluator::TakeUnwind() { return std::exchange(unwind_, Unwind()); }

bool Evaluator::Needs(const Node& node, uint32_t policy) {
  if ((policy_ & policy) == policy) return true;
  return Fail(node, "not enough permissions (9)");
}

void Evaluator::Print(absl::string_view line) {
  if (output_ == nullptr) return;
  absl::StrAppend(output_, line, "\r\n");
}

std::string* Evaluator::RedirectOutput(std::string* output) {
  return std::exchange(output_, output);
}

bool Evaluator::CountStep(const Node& node) {
  router_->CountStatement();
  if (task_->killed()) return Leave(UnwindKind::kKilled, Value());
  if (++steps_ % kStepsPerTurn == 0) return Sleep(node, kTurnCost);
  return true;
}

bool Evaluator::Sleep(const Node& node, absl::Duration by) {
  if (task_->Wait(router_->now() + by)) return true;
  return Leave(UnwindKind::kKilled, Value());
}

// Variables.

Evaluator::Variable* Evaluator::FindVariable(const std::string& name) {
  for (size_t i = variables_.size(); i > frames_.back().first_variable; --i) {
    if (variables_[i - 1].name == name) return &variables_[i - 1];
  }
  return nullptr;
}

Value Evaluator::GetVariable(const std::string& name) {
  if (row_ != nullptr) {
    // Inside of a where a variable with a property's name is the property.
    Value value;
    if ((*row_)(name, &value)) return value;
  }
  if (const Variable* variable = FindVariable(name)) {
    if (!variable->global) return variable->value;
    if (quirks().globals_need_policy && (policy_ & kPolicyPolicy) == 0) return Value();
    const auto found = router_->globals().find(name);
    return found == router_->globals().end() ? Value() : found->second;
  }
  const Frame& frame = frames_.back();
  for (const auto& [key, value] : frame.named) {
    if (key == name) return value;
  }
  if (name.size() <= 2) {
    const std::optional<int64_t> index = ParseNumber(name);
    if (index && *index >= 1 && static_cast<size_t>(*index) <= frame.positional.size()) {
      return frame.positional[static_cast<size_t>(*index) - 1];
    }
  }
  return Value();
}

bool Evaluator::SetVariable(const std::string& name, Value value) {
  Variable* variable = FindVariable(name);
  if (variable == nullptr) return false;
  if (!variable->global) {
    variable->value = std::move(value);
    return true;
  }
  if (quirks().globals_need_policy && (policy_ & kPolicyPolicy) == 0) return true;
  if (value.Is(ValueType::kNothing)) {
    router_->globals().erase(name);
  } else {
    router_->globals()[name] = std::move(value);
  }
  return true;
}

void Evaluator::DeclareLocal(const std::string& name, Value value) {
  variables_.push_back({name, std::move(value), false});
}

void Evaluator::DeclareGlobal(const std::string& name) {
  variables_.push_back({name, Value(), true});
}

// Calls and blocks.

bool Evaluator::RunProgram(const std::shared_ptr<const Program>& program, Value* result) {
  return Call(Value::Code(program, &program->root), {}, {}, result);
}

bool Evaluator::Call(const Value& code, std::vector<Value> positional,
                     std::vector<std::pair<std::string, Value>> named, Value* result) {
  const Node* body = code.body();
  if (body == nullptr || frames_.size() > 60) {
    static const Node* const kNowhere = new Node();
    return Fail(body == nullptr ? *kNowhere : *body, "stack overflow");
  }
  const RowReader* const row = std::exchange(row_, nullptr);
  frames_.push_back({variables_.size(), code.program(), std::move(positional), std::move(named)});
  // The frame's program keeps the body alive even where its variable is set anew meanwhile.
  Value last;
  bool good = RunBlock(*body, &last);
  variables_.resize(frames_.back().first_variable);
  frames_.pop_back();
  row_ = row;
  if (!good && unwind_.kind == UnwindKind::kReturn) {
    *result = TakeUnwind().value;
    return true;
  }
  if (!good) return false;
  // `[[:parse "(…)"]]` gives the expression's value; a command's value is not handed on.
  const bool expression =
      !body->children.empty() && body->children.back()->kind == NodeKind::kCallValue;
  *result = expression ? std::move(last) : Value();
  return true;
}

bool Evaluator::RunBlock(const Node& block, Value* result) {
  const size_t mark = variables_.size();
  bool good = true;
  for (const auto& statement : block.children) {
    good = CountStep(*statement) && RunStatement(*statement, result);
    if (!good) break;
  }
  variables_.resize(mark);
  return good;
}

bool Evaluator::RunBody(const Argument& argument,
                        const std::vector<std::pair<std::string, Value>>& variables,
                        Value* result) {
  const size_t mark = variables_.size();
  for (const auto& [name, value] : variables) DeclareLocal(name, value);
  bool good;
  if (argument.value->kind == NodeKind::kFunction) {
    good = RunBlock(*argument.value->children[0], result);
  } else {
    // do=$code
    Value code;
    good = Evaluate(*argument.value, &code);
    if (good && code.body() == nullptr) good = Fail(*argument.value, "syntax error: no code");
    if (good) good = Call(code, {}, {}, result);
  }
  variables_.resize(mark);
  return good;
}

bool Evaluator::RunStatement(const Node& node, Value* result) {
  *result = Value();
  if (++depth_ > kDeepest) {
    --depth_;
    return Fail(node, "stack overflow");
  }
  bool good = false;
  switch (node.kind) {
    case NodeKind::kCommand:
      good = RunCommand(node, result);
      break;
    case NodeKind::kCall:
    case NodeKind::kCallValue:
      good = RunCall(node, result);
      break;
    case NodeKind::kBlock:
      good = RunBlock(node, result);
      break;
    case NodeKind::kSubstitution:
      good = RunBareBracket(node, result);
      break;
    default:
      good = Evaluate(node, result);
      break;
  }
  --depth_;
  return good;
}

bool Evaluator::RunCommand(const Node& node, Value* result) {
  const SimulatedCommand* const command = CommandOf(node);
  if (command == nullptr) {
    const std::string name =
        node.command == nullptr
            ? node.text
            : absl::StrCat(node.menu->path, node.menu->path.empty() ? "" : " ", node.command->name);
    router_->Emit({EventKind::kUnsupported, task_->script(), name, node.line, node.column});
    return Fail(node, absl::StrCat("the simulator can't run ", name));
  }
  if (!Needs(node, command->policy)) return false;
  const RowReader* const row = std::exchange(row_, nullptr);
  const bool good = command->handler(*this, node, result);
  row_ = row;
  return good;
}

bool Evaluator::RunCall(const Node& node, Value* result) {
  Value code;
  if (node.kind == NodeKind::kCall) {
    code = GetVariable(node.text);
  } else if (!Evaluate(*node.children[0], &code)) {
    return false;
  }
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  for (const Argument& argument : node.arguments) {
    Value value;
    if (argument.value && !Evaluate(*argument.value, &value)) return false;
    if (argument.name.empty()) {
      positional.push_back(std::move(value));
    } else {
      named.emplace_back(argument.name, std::move(value));
    }
  }
  if (code.body() == nullptr) {
    if (!positional.empty() || !named.empty()) {
      return Fail(node, "syntax error: called value is no function");
    }
    *result = std::move(code);
    return true;
  }
  return Call(code, std::move(positional), std::move(named), result);
}

// `[...]` as a statement: code that comes out of it is run.
bool Evaluator::RunBareBracket(const Node& node, Value* result) {
  Value value;
  if (!Evaluate(node, &value)) return false;
  if (value.Is(ValueType::kCode) || value.Is(ValueType::kFunction)) {
    return Call(value, {}, {}, result);
  }
  *result = value;
  Value ignored;
  const Node& block = *node.children[0];
  const bool one_call = block.children.size() == 1 && block.children[0]->kind == NodeKind::kCall &&
                        !block.children[0]->arguments.empty();
  if (quirks().bare_bracket_runs_twice && one_call) {
    return Call(GetVariable(block.children[0]->text), {}, {}, &ignored);
  }
  return true;
}

bool Evaluator::EvaluateArguments(const Node& command, Arguments* arguments) {
  arguments->all.reserve(command.arguments.size());
  for (const Argument& argument : command.arguments) {
    if (argument.unknown) {
      return Fail(command, absl::StrCat("bad parameter ", argument.name));
    }
    Value value = Value::Bool(true);
    if (argument.unset) value = Value();
    if (argument.value && !Evaluate(*argument.value, &value)) return false;
    arguments->all.push_back({argument.name, std::move(value), argument.unset, &argument});
  }
  return true;
}

bool Evaluator::Matches(const Node& command, const RowReader& reader, bool* matches) {
  *matches = true;
  if (!command.filter) return true;
  const RowReader* const outer = std::exchange(row_, &reader);
  Value value;
  const bool good = Evaluate(*command.filter, &value);
  row_ = outer;
  *matches = value.Is(ValueType::kBool) && value.AsBool();
  return good;
}

}  // namespace muster::simulator
