// :if, :for, :foreach, :while, :do, :onerror, :retry, variables, :return, :error.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

bool EvaluateOptional(Evaluator& evaluator, const Node& node, absl::string_view name,
                      Value* value) {
  const Argument* argument = node.Find(name);
  return argument == nullptr || !argument->value || evaluator.Evaluate(*argument->value, value);
}

bool MissingArgument(Evaluator& evaluator, const Node& node) {
  return evaluator.Fail(node, "missing value(s) of argument(s)");
}

// The value and the unwinding of a loop's body: whether the loop goes on, and whether all is well.
bool EndTurn(Evaluator& evaluator, bool good, bool* again) {
  *again = good;
  if (good) return true;
  const UnwindKind kind = evaluator.unwind().kind;
  if (kind != UnwindKind::kBreak && kind != UnwindKind::kContinue) return false;
  *again = kind == UnwindKind::kContinue;
  evaluator.TakeUnwind();
  return true;
}

bool Condition(Evaluator& evaluator, const Node& node, const Argument* argument, bool* holds) {
  if (argument == nullptr || !argument->value) return MissingArgument(evaluator, node);
  Value value;
  if (!evaluator.Evaluate(*argument->value, &value)) return false;
  if (!value.Is(ValueType::kBool)) return evaluator.Fail(node, "conditional not boolean");
  *holds = value.AsBool();
  return true;
}

bool RunIf(Evaluator& evaluator, const Node& node, Value* result) {
  bool holds = false;
  if (!Condition(evaluator, node, node.Find("condition"), &holds)) return false;
  const Argument* body = node.Find(holds ? "do" : "else");
  return body == nullptr || evaluator.RunBody(*body, {}, result);
}

bool RunWhile(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* body = node.Find("do");
  bool again = true;
  while (again) {
    bool holds = false;
    if (!Condition(evaluator, node, node.Find("condition"), &holds)) return false;
    if (!holds) return true;
    // An empty loop must let the others run too.
    if (body == nullptr) return evaluator.Fail(node, "missing do");
    if (!EndTurn(evaluator, evaluator.RunBody(*body, {}, result), &again)) return false;
  }
  return true;
}

// What on-error and :onerror catch: errors, not :return and not a kill.
bool Catches(const Evaluator& evaluator) { return evaluator.unwind().kind == UnwindKind::kError; }

bool RunDo(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* command = node.Find("command");
  const Argument* on_error = node.Find("on-error");
  const Argument* condition = node.Find("while");
  if (command == nullptr) return MissingArgument(evaluator, node);
  bool again = true;
  while (again) {
    const bool good = evaluator.RunBody(*command, {}, result);
    if (!good && on_error != nullptr && Catches(evaluator)) {
      evaluator.TakeUnwind();
      return evaluator.RunBody(*on_error, {}, result);
    }
    if (condition == nullptr) return good;
    if (!EndTurn(evaluator, good, &again)) return false;
    if (again && !Condition(evaluator, node, condition, &again)) return false;
  }
  return true;
}

bool RunOnError(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* in = node.Find("in");
  const Argument* handler = node.Find("do");
  const Argument* name = node.Find("error");
  if (in == nullptr || name == nullptr) return MissingArgument(evaluator, node);
  if (evaluator.RunBody(*in, {}, result)) {
    *result = Value::Bool(false);
    return true;
  }
  if (!Catches(evaluator)) return false;
  const Unwind unwind = evaluator.TakeUnwind();
  if (handler != nullptr &&
      !evaluator.RunBody(*handler, {{name->value->value.text(), Value::String(unwind.text)}},
                         result)) {
    return false;
  }
  *result = Value::Bool(true);
  return true;
}

bool RunRetry(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* command = node.Find("command");
  const Argument* on_error = node.Find("on-error");
  Value delay;
  Value most;
  if (!EvaluateOptional(evaluator, node, "delay", &delay) ||
      !EvaluateOptional(evaluator, node, "max", &most)) {
    return false;
  }
  if (command == nullptr || !most.Is(ValueType::kNumber)) return MissingArgument(evaluator, node);
  const int64_t nanoseconds = delay.Is(ValueType::kTime)     ? delay.number()
                              : delay.Is(ValueType::kNumber) ? delay.number() * 1'000'000'000
                                                             : 0;
  for (int64_t turn = 0; turn < most.number(); ++turn) {
    if (evaluator.RunBody(*command, {}, result)) return true;
    if (!Catches(evaluator)) return false;
    if (turn + 1 == most.number()) break;
    evaluator.TakeUnwind();
    if (!evaluator.Sleep(node, absl::Nanoseconds(nanoseconds))) return false;
  }
  if (on_error == nullptr) return false;
  evaluator.TakeUnwind();
  return evaluator.RunBody(*on_error, {}, result);
}

bool RunFor(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* counter = node.Find("counter");
  const Argument* body = node.Find("do");
  Value from;
  Value to;
  Value step;
  if (!EvaluateOptional(evaluator, node, "from", &from) ||
      !EvaluateOptional(evaluator, node, "to", &to) ||
      !EvaluateOptional(evaluator, node, "step", &step)) {
    return false;
  }
  if (counter == nullptr || body == nullptr) return MissingArgument(evaluator, node);
  if (!from.Is(ValueType::kNumber) || !to.Is(ValueType::kNumber)) {
    return evaluator.Fail(node, "invalid value for argument from or to: no number");
  }
  // Without a step the loop counts down where `to` lies below `from`.
  int64_t by = from.number() <= to.number() ? 1 : -1;
  if (step.Is(ValueType::kNumber)) by = step.number();
  if (by == 0) return evaluator.Fail(node, "invalid value for argument step");
  bool again = true;
  for (int64_t i = from.number(); again && (by > 0 ? i <= to.number() : i >= to.number());
       i += by) {
    const std::string& name = counter->value->value.text();
    if (!EndTurn(evaluator, evaluator.RunBody(*body, {{name, Value::Number(i)}}, result), &again)) {
      return false;
    }
  }
  return true;
}

bool RunForEach(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* counter = node.Find("counter");
  const Argument* body = node.Find("do");
  Value values;
  if (!EvaluateOptional(evaluator, node, "in", &values)) return false;
  if (counter == nullptr || body == nullptr) return MissingArgument(evaluator, node);
  const std::vector<std::string> names = absl::StrSplit(counter->value->value.text(), ',');
  if (values.IsEmpty()) return true;
  if (!values.Is(ValueType::kArray)) values = Value::List({values});
  bool again = true;
  const auto turn = [&](Value key, const Value& value) {
    std::vector<std::pair<std::string, Value>> variables;
    if (names.size() > 1) variables.emplace_back(names[0], std::move(key));
    variables.emplace_back(names.back(), value);
    return EndTurn(evaluator, evaluator.RunBody(*body, variables, result), &again);
  };
  const Array& array = values.array();
  for (size_t i = 0; again && i < array.list.size(); ++i) {
    if (!turn(Value::Number(static_cast<int64_t>(i)), array.list[i])) return false;
  }
  for (auto entry = array.named.begin(); again && entry != array.named.end(); ++entry) {
    if (!turn(Value::String(entry->first), entry->second)) return false;
  }
  return true;
}

// The value that :local, :global and :set give; `*given` where there is one.
bool VariableValue(Evaluator& evaluator, const Node& node, Value* value, bool* given) {
  const Argument* argument = node.Find("value");
  if (argument == nullptr) argument = node.Find("do");
  *given = argument != nullptr;
  return argument == nullptr || evaluator.Evaluate(*argument->value, value);
}

bool RunLocal(Evaluator& evaluator, const Node& node, Value*) {
  const Argument* name = node.Find("name");
  if (name == nullptr) return MissingArgument(evaluator, node);
  Value value;
  bool given = false;
  if (!VariableValue(evaluator, node, &value, &given)) return false;
  evaluator.DeclareLocal(name->value->value.text(), std::move(value));
  return true;
}

bool RunGlobal(Evaluator& evaluator, const Node& node, Value*) {
  const Argument* name = node.Find("name");
  if (name == nullptr) return MissingArgument(evaluator, node);
  Value value;
  bool given = false;
  if (!VariableValue(evaluator, node, &value, &given)) return false;
  evaluator.DeclareGlobal(name->value->value.text());
  if (given) evaluator.SetVariable(name->value->value.text(), std::move(value));
  return true;
}

// `:set ($map->"a"->"b") value`: a copy of the map with that one element changed.
bool SetElement(Evaluator& evaluator, const Node& target, Value value) {
  const Node* node = &target;
  while (node->kind == NodeKind::kGroup) node = node->children[0].get();
  if (node->kind == NodeKind::kVariable) {
    if (evaluator.SetVariable(node->text, std::move(value))) return true;
    return evaluator.Fail(*node, absl::StrCat("variable ", node->text, " is not declared"));
  }
  if (node->kind != NodeKind::kBinary || node->op != Operator::kIndex) {
    return evaluator.Fail(*node, "syntax error: this can't be set");
  }
  Value whole;
  Value key;
  if (!evaluator.Evaluate(*node->children[0], &whole) ||
      !evaluator.Evaluate(*node->children[1], &key)) {
    return false;
  }
  Array copy = whole.array();
  copy.Set(key, std::move(value));
  return SetElement(evaluator, *node->children[0], Value::FromArray(std::move(copy)));
}

bool RunSet(Evaluator& evaluator, const Node& node, Value*) {
  const Argument* name = node.Find("name");
  if (name == nullptr) return MissingArgument(evaluator, node);
  Value value;
  bool given = false;
  if (!VariableValue(evaluator, node, &value, &given)) return false;
  if (name->value->kind != NodeKind::kLiteral) {
    return SetElement(evaluator, *name->value, std::move(value));
  }
  if (evaluator.SetVariable(name->value->value.text(), std::move(value))) return true;
  return evaluator.Fail(node, "syntax error: variable is not declared");
}

bool RunReturn(Evaluator& evaluator, const Node& node, Value*) {
  Value value;
  if (!EvaluateOptional(evaluator, node, "value", &value)) return false;
  return evaluator.Leave(UnwindKind::kReturn, std::move(value));
}

bool RunError(Evaluator& evaluator, const Node& node, Value*) {
  Value message;
  if (!EvaluateOptional(evaluator, node, "message", &message)) return false;
  return evaluator.Fail(node, ToText(message));
}

bool RunPut(Evaluator& evaluator, const Node& node, Value*) {
  Value message;
  if (!EvaluateOptional(evaluator, node, "message", &message)) return false;
  evaluator.Print(ToText(message));
  return true;
}

bool RunDelay(Evaluator& evaluator, const Node& node, Value*) {
  Value time = Value::Time(1'000'000'000);
  if (!EvaluateOptional(evaluator, node, "delay-time", &time)) return false;
  if (time.IsText()) time = FromWord(time.text());
  if (time.Is(ValueType::kNumber)) return evaluator.Sleep(node, absl::Seconds(time.number()));
  if (!time.Is(ValueType::kTime)) {
    return evaluator.Fail(node, "invalid value for argument delay-time");
  }
  return evaluator.Sleep(node, absl::Nanoseconds(time.number()));
}

bool RunTime(Evaluator& evaluator, const Node& node, Value* result) {
  const Argument* command = node.Find("command");
  if (command == nullptr) return MissingArgument(evaluator, node);
  const absl::Duration before = evaluator.router().now();
  if (!evaluator.RunBody(*command, {}, result)) return false;
  *result = Value::Time(absl::ToInt64Nanoseconds(evaluator.router().now() - before));
  return true;
}

bool RunBreak(Evaluator& evaluator, const Node&, Value*) {
  return evaluator.Leave(UnwindKind::kBreak, Value());
}
bool RunContinue(Evaluator& evaluator, const Node&, Value*) {
  return evaluator.Leave(UnwindKind::kContinue, Value());
}
bool RunExit(Evaluator& evaluator, const Node&, Value*) {
  return evaluator.Leave(UnwindKind::kExit, Value());
}

}  // namespace

void AddControlHandlers(HandlerMap* handlers) {
  HandlerMap& map = *handlers;
  map[":if"] = RunIf;
  map[":while"] = RunWhile;
  map[":do"] = RunDo;
  map[":onerror"] = RunOnError;
  map[":retry"] = RunRetry;
  map[":for"] = RunFor;
  map[":foreach"] = RunForEach;
  map[":local"] = RunLocal;
  map[":global"] = RunGlobal;
  map[":set"] = RunSet;
  map[":return"] = RunReturn;
  map[":error"] = RunError;
  map[":put"] = RunPut;
  map[":delay"] = RunDelay;
  map[":time"] = RunTime;
  map[":break"] = RunBreak;
  map[":continue"] = RunContinue;
  map[":exit"] = RunExit;
  map[":quit"] = RunExit;
}

}  // namespace muster::simulator
