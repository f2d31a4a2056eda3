#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/router_simulator/evaluator.h"

namespace muster::simulator {

bool Evaluator::Evaluate(const Node& node, Value* result) {
  switch (node.kind) {
    case NodeKind::kLiteral:
      *result = node.value;
      return true;
    case NodeKind::kText:
      return EvaluateText(node, result);
    case NodeKind::kVariable:
      *result = GetVariable(node.text);
      return true;
    case NodeKind::kArray:
      return EvaluateArray(node, result);
    case NodeKind::kSubstitution: {
      *result = Value();
      return RunBlock(*node.children[0], result);
    }
    case NodeKind::kGroup:
      return Evaluate(*node.children[0], result);
    case NodeKind::kFunction:
      *result = Value::Function(frames_.back().program, node.children[0].get());
      return true;
    case NodeKind::kUnary:
      return EvaluateUnary(node, result);
    case NodeKind::kBinary:
      return EvaluateBinary(node, result);
    case NodeKind::kProperty:
      return EvaluateProperty(node, result);
    default:
      return RunStatement(node, result);
  }
}

bool Evaluator::EvaluateText(const Node& node, Value* result) {
  std::string text;
  for (const auto& child : node.children) {
    Value value;
    if (!Evaluate(*child, &value)) return false;
    absl::StrAppend(&text, ToText(value));
  }
  *result = Value::String(std::move(text));
  return true;
}

bool Evaluator::EvaluateArray(const Node& node, Value* result) {
  Array array;
  for (size_t i = 0; i < node.children.size(); ++i) {
    Value value;
    if (!Evaluate(*node.children[i], &value)) return false;
    if (!node.keys[i]) {
      array.list.push_back(std::move(value));
      continue;
    }
    Value key;
    if (!Evaluate(*node.keys[i], &key)) return false;
    array.named[ToText(key)] = std::move(value);
  }
  *result = Value::FromArray(std::move(array));
  return true;
}

bool Evaluator::EvaluateUnary(const Node& node, Value* result) {
  Value value;
  if (!Evaluate(*node.children[0], &value)) return false;
  switch (node.op) {
    case Operator::kNot:
      if (value.Is(ValueType::kBool)) {
        *result = Value::Bool(!value.AsBool());
        return true;
      }
      // In a where `!comment` is true for rows that have none.
      if (row_ != nullptr) {
        *result = Value::Bool(ToText(value).empty());
        return true;
      }
      return Fail(node, "cannot apply ! to something that is no truth value");
    case Operator::kNegate:
      if (value.Is(ValueType::kNumber)) {
        *result = Value::Number(static_cast<int64_t>(0 - static_cast<uint64_t>(value.number())));
        return true;
      }
      if (value.Is(ValueType::kTime)) {
        *result = Value::Time(-value.number());
        return true;
      }
      return Fail(node, "cannot apply - to something that is no number");
    default:
      if (value.Is(ValueType::kNumber)) {
        *result = Value::Number(~value.number());
        return true;
      }
      if (value.Is(ValueType::kIp)) {
        *result = Value::Ip(~static_cast<uint32_t>(value.number()));
        return true;
      }
      return Fail(node, "cannot apply ~ to something that is no number");
  }
}

bool Evaluator::EvaluateLogic(const Node& node, Value* result) {
  Value left;
  if (!Evaluate(*node.children[0], &left)) return false;
  const bool is_and = node.op == Operator::kAnd;
  const auto truth = [&](const Value& value, bool* out) {
    if (value.Is(ValueType::kBool)) {
      *out = value.AsBool();
      return true;
    }
    if (row_ != nullptr) {
      *out = !ToText(value).empty();
      return true;
    }
    return Fail(
        node, absl::StrCat("cannot ", is_and ? "and" : "or", " something that is no truth value"));
  };
  bool a = false;
  if (!truth(left, &a)) return false;
  if ((quirks().short_circuit || row_ != nullptr) && a != is_and) {
    *result = Value::Bool(a);
    return true;
  }
  Value right;
  if (!Evaluate(*node.children[1], &right)) return false;
  bool b = false;
  if (!truth(right, &b)) return false;
  *result = Value::Bool(is_and ? a && b : a || b);
  return true;
}

bool Evaluator::EvaluateBinary(const Node& node, Value* result) {
  if (node.op == Operator::kAnd || node.op == Operator::kOr) return EvaluateLogic(node, result);
  Value left;
  Value right;
  if (!Evaluate(*node.children[0], &left) || !Evaluate(*node.children[1], &right)) return false;
  // A where compares what it shows: interface=ether1, disabled="no", address=$text.
  const bool compares = node.op == Operator::kEqual || node.op == Operator::kNotEqual;
  if (row_ != nullptr && compares && left.type() != right.type()) {
    const auto shown = [](const Value& value) {
      if (value.Is(ValueType::kBool)) return std::string(value.AsBool() ? "yes" : "no");
      std::string text = ToText(value);
      if (text == "true") return std::string("yes");
      if (text == "false") return std::string("no");
      return text;
    };
    const bool same = shown(left) == shown(right);
    *result = Value::Bool(same == (node.op == Operator::kEqual));
    return true;
  }
  std::string error;
  std::optional<Value> value = ApplyOperator(node.op, left, right, quirks(), &error);
  if (!value) return Fail(node, error);
  *result = *std::move(value);
  return true;
}

bool Evaluator::EvaluateProperty(const Node& node, Value* result) {
  if (row_ == nullptr || !(*row_)(node.text, result)) {
    return Fail(node, absl::StrCat("no property ", node.text, " here"));
  }
  return true;
}

}  // namespace muster::simulator
