
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "tests/router_simulator/evaluator.h"

namespace muster::simulator {
namespace {

// Two's complement, as RouterOS's 64-bit numbers wrap.
int64_t Add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t Subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

std::optional<Value> Raise(std::string* error, absl::string_view text) {
  *error = std::string(text);
  return std::nullopt;
}

std::optional<Value> Arithmetic(Operator op, const Value& a, const Value& b, std::string* error) {
  const bool numbers = a.Is(ValueType::kNumber) && b.Is(ValueType::kNumber);
  const bool times = a.Is(ValueType::kTime) && b.Is(ValueType::kTime);
  const bool scaled = a.Is(ValueType::kTime) && b.Is(ValueType::kNumber) &&
                      (op == Operator::kMultiply || op == Operator::kDivide);
  const bool moved = a.Is(ValueType::kIp) && b.Is(ValueType::kNumber) &&
                     (op == Operator::kAdd || op == Operator::kSubtract);
  const bool distance = a.Is(ValueType::kIp) && b.Is(ValueType::kIp) && op == Operator::kSubtract;
  if (!numbers && !times && !scaled && !moved && !distance) {
    const absl::string_view verb = op == Operator::kAdd        ? "add"
                                   : op == Operator::kSubtract ? "subtract"
                                   : op == Operator::kMultiply ? "multiply"
                                                               : "divide";
    return Raise(error, absl::StrCat("cannot ", verb, " ", TypeName(b), " to ", TypeName(a)));
  }
  const auto as_first = [&](int64_t value) {
    if (a.Is(ValueType::kIp) && !distance) return Value::Ip(static_cast<uint32_t>(value));
    return a.Is(ValueType::kTime) ? Value::Time(value) : Value::Number(value);
  };
  const int64_t x = a.number();
  const int64_t y = b.number();
  switch (op) {
    case Operator::kAdd:
      return as_first(Add(x, y));
    case Operator::kSubtract:
      return as_first(Subtract(x, y));
    case Operator::kMultiply:
      if (times) return Raise(error, "cannot multiply time with time");
      return as_first(Multiply(x, y));
    default:
      break;
  }
  if (y == 0) return Raise(error, "division by zero");
  if (x == std::numeric_limits<int64_t>::min() && y == -1) return as_first(x);
  const int64_t answer = op == Operator::kDivide ? x / y : x % y;
  return times && op == Operator::kDivide ? Value::Number(answer) : as_first(answer);
}

std::optional<Value> Bits(Operator op, const Value& a, const Value& b, std::string* error) {
  const bool ip = a.Is(ValueType::kIp);
  const bool good =
      (a.Is(ValueType::kNumber) || ip) && (b.Is(ValueType::kNumber) || b.Is(ValueType::kIp));
  if (!good) return Raise(error, "cannot apply bit operator to something that is no number");
  const uint64_t x = static_cast<uint64_t>(a.number());
  const uint64_t y = static_cast<uint64_t>(b.number());
  uint64_t answer = 0;
  switch (op) {
    case Operator::kBitOr:
      answer = x | y;
      break;
    case Operator::kBitXor:
      answer = x ^ y;
      break;
    case Operator::kBitAnd:
      answer = x & y;
      break;
    case Operator::kShiftLeft:
      answer = y > 63 ? 0 : x << y;
      break;
    default:
      answer = y > 63 ? 0 : x >> y;
      break;
  }
  return ip ? Value::Ip(static_cast<uint32_t>(answer))
            : Value::Number(static_cast<int64_t>(answer));
}

bool Equal(const Value& a, const Value& b, const Quirks& quirks) {
  if (a.IsEmpty() && b.IsEmpty()) return true;
  if (a.IsEmpty() || b.IsEmpty()) {
    const Value& other = a.IsEmpty() ? b : a;
    return quirks.nothing_equals_empty && other.IsText() && other.text().empty();
  }
  if (a.type() == b.type()) return SameValue(a, b);
  const bool one_is_array = a.Is(ValueType::kArray) || b.Is(ValueType::kArray);
  return quirks.equal_across_types && !one_is_array && ToText(a) == ToText(b);
}

std::optional<Value> Order(Operator op, const Value& a, const Value& b, std::string* error) {
  if (a.IsText() && b.IsText()) {
    return Raise(error, "cannot compare if string is less than string");
  }
  const bool ordered =
      a.type() == b.type() && (a.Is(ValueType::kNumber) || a.Is(ValueType::kTime) ||
                               a.Is(ValueType::kIp) || a.Is(ValueType::kId));
  if (!ordered) {
    return Raise(error,
                 absl::StrCat("cannot compare if ", TypeName(a), " is less than ", TypeName(b)));
  }
  const int64_t x = a.number();
  const int64_t y = b.number();
  switch (op) {
    case Operator::kLess:
      return Value::Bool(x < y);
    case Operator::kGreater:
      return Value::Bool(x > y);
    case Operator::kLessEqual:
      return Value::Bool(x <= y);
    default:
      return Value::Bool(x >= y);
  }
}

// POSIX's extended patterns over bytes, as `~` takes them, in bounded memory and time: a script
// writes them. To compile one costs more than most steps of a script, and the same few are used
// again and again: each thread keeps its last ones. Not ok() where `text` is no pattern.
const RE2& Compiled(const std::string& text) {
  constexpr size_t kMostKept = 64;
  thread_local std::map<std::string, std::unique_ptr<const RE2>> kept;
  if (const auto found = kept.find(text); found != kept.end()) return *found->second;
  if (kept.size() >= kMostKept) kept.clear();
  RE2::Options options(RE2::POSIX);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_one_line(true);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(int64_t{1} << 20);
  return *kept.emplace(text, std::make_unique<const RE2>(text, options)).first->second;
}

std::optional<Value> Match(const Value& a, const Value& b, std::string* error) {
  if (!b.IsText()) return Raise(error, "cannot match something that is no pattern");
  const RE2& pattern = Compiled(b.text());
  if (!pattern.ok()) return Raise(error, "bad pattern");
  return Value::Bool(RE2::PartialMatch(ToText(a), pattern));
}

std::optional<Value> Inside(const Value& a, const Value& b, std::string* error) {
  const bool address = a.Is(ValueType::kIp) || a.Is(ValueType::kIpPrefix);
  if (address && b.Is(ValueType::kIpPrefix)) {
    const int length = b.prefix_length();
    const uint32_t mask = length == 0 ? 0 : ~uint32_t{0} << (32 - length);
    const bool narrower = !a.Is(ValueType::kIpPrefix) || a.prefix_length() >= length;
    return Value::Bool(
        narrower &&
        ((static_cast<uint32_t>(a.number()) ^ static_cast<uint32_t>(b.number())) & mask) == 0);
  }
  if (b.Is(ValueType::kArray)) {
    for (const Value& element : b.array().list) {
      if (SameValue(a, element)) return Value::Bool(true);
    }
    return Value::Bool(false);
  }
  return Raise(error, absl::StrCat("cannot tell if ", TypeName(a), " is in ", TypeName(b)));
}

// The dot joins texts; where one side is an array it goes over its elements.
Value Join(const Value& a, const Value& b) {
  if (!a.Is(ValueType::kArray) && !b.Is(ValueType::kArray)) {
    return Value::String(absl::StrCat(ToText(a), ToText(b)));
  }
  Array joined;
  const bool left = a.Is(ValueType::kArray);
  const Array& array = left ? a.array() : b.array();
  const auto one = [&](const Value& element) { return left ? Join(element, b) : Join(a, element); };
  for (const Value& element : array.list) joined.list.push_back(one(element));
  for (const auto& [name, element] : array.named) joined.named[name] = one(element);
  return Value::FromArray(std::move(joined));
}

Value Append(const Value& a, const Value& b) {
  Array joined;
  for (const Value* side : {&a, &b}) {
    if (side->Is(ValueType::kArray)) {
      const Array& array = side->array();
      joined.list.insert(joined.list.end(), array.list.begin(), array.list.end());
      for (const auto& [name, element] : array.named) joined.named[name] = element;
    } else if (!side->IsEmpty()) {
      joined.list.push_back(*side);
    }
  }
  return Value::FromArray(std::move(joined));
}

}  // namespace

std::optional<Value> ApplyOperator(Operator op, const Value& a, const Value& b,
                                   const Quirks& quirks, std::string* error) {
  switch (op) {
    case Operator::kEqual:
      return Value::Bool(Equal(a, b, quirks));
    case Operator::kNotEqual:
      return Value::Bool(!Equal(a, b, quirks));
    case Operator::kLess:
    case Operator::kGreater:
    case Operator::kLessEqual:
    case Operator::kGreaterEqual:
      return Order(op, a, b, error);
    case Operator::kMatch:
      return Match(a, b, error);
    case Operator::kIn:
      return Inside(a, b, error);
    case Operator::kDot:
      return Join(a, b);
    case Operator::kComma:
      return Append(a, b);
    case Operator::kIndex:
      return a.array().Get(b);
    case Operator::kAdd:
    case Operator::kSubtract:
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kModulo:
      return Arithmetic(op, a, b, error);
    default:
      return Bits(op, a, b, error);
  }
}

}  // namespace muster::simulator
