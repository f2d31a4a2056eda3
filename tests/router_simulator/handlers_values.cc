// :len, :pick, :find, :typeof and the conversions.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"
#include "tests/router_simulator/task.h"

namespace muster::simulator {
namespace {

// The one value of a command, after its arguments were looked at.
bool TheValue(Evaluator& evaluator, const Node& node, Value* value) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  if (!arguments.Has("value")) return evaluator.Fail(node, "missing value(s) of argument(s) value");
  *value = arguments.Get("value");
  return true;
}

// What a conversion gives where there is nothing to give.
Value NoAnswer(Evaluator& evaluator) {
  return evaluator.quirks().conversions_answer_nil ? Value::Nil() : Value();
}

bool RunLen(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  size_t length = 0;
  if (value.Is(ValueType::kArray)) {
    length = value.array().size();
  } else if (!value.Is(ValueType::kNumber) || evaluator.quirks().len_of_number_counts_digits) {
    length = ToText(value).size();
  }
  *result = Value::Number(static_cast<int64_t>(length));
  return true;
}

bool RunTypeOf(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  *result = Value::String(std::string(TypeName(value)));
  return true;
}

bool RunToString(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  *result = Value::String(ToText(value));
  return true;
}

bool RunToNumber(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  *result = NoAnswer(evaluator);
  if (value.Is(ValueType::kNumber) || value.Is(ValueType::kBool) || value.Is(ValueType::kId) ||
      value.Is(ValueType::kIp)) {
    *result = Value::Number(value.number());
  } else if (value.Is(ValueType::kTime)) {
    *result = Value::Number(value.number() / 1'000'000'000);
  } else if (value.IsText()) {
    if (const auto number = ParseNumber(value.text())) *result = Value::Number(*number);
  }
  return true;
}

bool RunToArray(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const Value value = arguments.Get("value");
  const std::string delimiter = arguments.Has("delimiter") ? arguments.Text("delimiter") : ",";
  if (value.Is(ValueType::kArray)) {
    *result = value;
    return true;
  }
  std::vector<Value> list;
  if (value.IsText()) {
    for (const absl::string_view part :
         absl::StrSplit(value.text(), delimiter, absl::SkipEmpty())) {
      list.push_back(FromWord(absl::StripAsciiWhitespace(part)));
    }
  } else if (!value.IsEmpty()) {
    list.push_back(value);
  }
  *result = Value::List(std::move(list));
  return true;
}

bool RunToBool(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  *result = NoAnswer(evaluator);
  if (value.Is(ValueType::kBool)) *result = value;
  if (value.Is(ValueType::kNumber)) *result = Value::Bool(value.number() != 0);
  const Value word = value.IsText() ? FromWord(value.text()) : Value();
  if (word.Is(ValueType::kBool)) *result = word;
  return true;
}

// :totime, :toip, :toip6, :toid: the text read as a word of that type, else nothing.
template <ValueType kType>
bool RunToType(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  *result = NoAnswer(evaluator);
  if (value.Is(kType)) {
    *result = value;
    return true;
  }
  const Value word = value.IsText() ? FromWord(value.text()) : Value();
  if (word.Is(kType)) *result = word;
  if (kType == ValueType::kTime) {
    const Value& number = value.Is(ValueType::kNumber) ? value : word;
    if (number.Is(ValueType::kNumber)) *result = Value::Time(number.number() * 1'000'000'000);
  }
  if (kType == ValueType::kIp && value.Is(ValueType::kNumber)) {
    *result = Value::Ip(static_cast<uint32_t>(value.number()));
  }
  return true;
}

bool RunToNanoseconds(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  if (value.IsText()) value = FromWord(value.text());
  *result = value.Is(ValueType::kTime) ? Value::Number(value.number()) : NoAnswer(evaluator);
  return true;
}

bool RunPick(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const Value whole = arguments.Get("counter");
  const Value begin_value = arguments.Get("begin");
  const Value end_value = arguments.Get("end");
  if (!begin_value.Is(ValueType::kNumber)) {
    return evaluator.Fail(node, "invalid value for argument begin");
  }
  const bool is_array = whole.Is(ValueType::kArray);
  const std::string text = is_array ? "" : ToText(whole);
  const int64_t size = static_cast<int64_t>(is_array ? whole.array().list.size() : text.size());
  const int64_t begin = std::max<int64_t>(begin_value.number(), 0);
  int64_t end = begin + 1;
  if (arguments.Has("end")) {
    // An end of nil (a `:find` that found nothing) means: to the end.
    end = end_value.Is(ValueType::kNumber) ? end_value.number() : size;
  }
  end = std::min(end, size);
  if (is_array) {
    if (!arguments.Has("end")) {
      *result = whole.array().Get(Value::Number(begin));
      return true;
    }
    std::vector<Value> part;
    for (int64_t i = begin; i < end; ++i)
      part.push_back(whole.array().list[static_cast<size_t>(i)]);
    *result = Value::List(std::move(part));
    return true;
  }
  *result = Value::String(
      begin < end ? text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)) : "");
  return true;
}

bool RunFind(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const Value in = arguments.Get("in");
  const Value key = arguments.Get("key");
  const Value from = arguments.Get("from");
  // The search begins behind `from`; -1 is the default.
  const int64_t after = from.Is(ValueType::kNumber) ? from.number() : -1;
  *result = evaluator.quirks().find_answers_minus_one ? Value::Number(-1) : Value::Nil();
  if (in.Is(ValueType::kArray)) {
    const std::vector<Value>& list = in.array().list;
    for (size_t i = static_cast<size_t>(std::max<int64_t>(after + 1, 0)); i < list.size(); ++i) {
      if (SameValue(list[i], key)) {
        *result = Value::Number(static_cast<int64_t>(i));
        return true;
      }
    }
    return true;
  }
  if (in.IsEmpty()) return true;
  const std::string text = ToText(in);
  const size_t found = text.find(ToText(key), static_cast<size_t>(std::max<int64_t>(after + 1, 0)));
  if (found != std::string::npos) *result = Value::Number(static_cast<int64_t>(found));
  return true;
}

bool RunParse(Evaluator& evaluator, const Node& node, Value* result) {
  Value value;
  if (!TheValue(evaluator, node, &value)) return false;
  const ParseResult parsed = evaluator.router().Parse(ToText(value));
  if (!parsed.program) return evaluator.Fail(node, parsed.error.ToText());
  *result = Value::Code(parsed.program, &parsed.program->root);
  return true;
}

bool RunNothing(Evaluator&, const Node&, Value* result) {
  *result = Value();
  return true;
}

bool RunRandomNumber(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const Value from = arguments.Get("from");
  const Value to = arguments.Get("to");
  if (!from.Is(ValueType::kNumber) || !to.Is(ValueType::kNumber) || to.number() < from.number()) {
    return evaluator.Fail(node, "invalid value for argument from or to");
  }
  std::uniform_int_distribution<int64_t> any(from.number(), to.number());
  *result = Value::Number(any(evaluator.router().random()));
  return true;
}

bool RunRandomText(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  const std::string letters =
      arguments.Has("from") ? arguments.Text("from")
                            : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const Value length = arguments.Get("length");
  if (!length.Is(ValueType::kNumber) || length.number() < 0 || length.number() > 10'000 ||
      letters.empty()) {
    return evaluator.Fail(node, "invalid value for argument length");
  }
  std::uniform_int_distribution<size_t> any(0, letters.size() - 1);
  std::string text;
  for (int64_t i = 0; i < length.number(); ++i) {
    text.push_back(letters[any(evaluator.router().random())]);
  }
  *result = Value::String(std::move(text));
  return true;
}

bool RunTimestamp(Evaluator& evaluator, const Node&, Value* result) {
  *result = Value::Time(absl::ToUnixNanos(evaluator.router().WallClock()));
  return true;
}

bool RunJobName(Evaluator& evaluator, const Node&, Value* result) {
  *result = Value::String(evaluator.task().script());
  return true;
}

}  // namespace

void AddValueHandlers(HandlerMap* handlers) {
  HandlerMap& map = *handlers;
  map[":len"] = RunLen;
  map[":typeof"] = RunTypeOf;
  map[":tostr"] = RunToString;
  map[":tonum"] = RunToNumber;
  map[":toarray"] = RunToArray;
  map[":tobool"] = RunToBool;
  map[":totime"] = RunToType<ValueType::kTime>;
  map[":toip"] = RunToType<ValueType::kIp>;
  map[":toip6"] = RunToType<ValueType::kIp6>;
  map[":toid"] = RunToType<ValueType::kId>;
  map[":tonsec"] = RunToNanoseconds;
  map[":pick"] = RunPick;
  map[":find"] = RunFind;
  map[":parse"] = RunParse;
  map[":nothing"] = RunNothing;
  map[":rndnum"] = RunRandomNumber;
  map[":rndstr"] = RunRandomText;
  map[":timestamp"] = RunTimestamp;
  map[":jobname"] = RunJobName;
}

}  // namespace muster::simulator
