// Types, and how words become them. The order in which a word is tried (FromWord) is the console's,
// as far as it is known; unverified rows are in docs/assumptions.md.
#include "routeros/language/value.h"

#include <algorithm>
#include <array>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace muster::routeros::language {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// Reads digits at `*position`; nullopt where there are none or too many.
std::optional<int64_t> TakeDigits(absl::string_view text, size_t* position) {
  int64_t value = 0;
  const size_t start = *position;
  while (*position < text.size() && absl::ascii_isdigit(text[*position])) {
    // 18 digits fit 63 bits, so the product below can't overflow.
    if (*position - start > 17) return std::nullopt;
    value = value * 10 + (text[*position] - '0');
    ++*position;
  }
  if (*position == start) return std::nullopt;
  return value;
}

// ".739" in nanoseconds; `*position` stands on the dot.
std::optional<int64_t> TakeFraction(absl::string_view text, size_t* position) {
  ++*position;
  int64_t value = 0;
  int digits = 0;
  while (*position < text.size() && absl::ascii_isdigit(text[*position])) {
    // Finer than a nanosecond is no time.
    if (digits == 9) return std::nullopt;
    value = value * 10 + (text[*position] - '0');
    ++digits;
    ++*position;
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return value;
}

struct Unit {
  absl::string_view name;
  int64_t nanoseconds;
};
// Two letters before one: "ms" is no "m" with an "s" behind it.
constexpr std::array<Unit, 8> kUnits = {{{"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1},
                                         {"w", 604'800 * kSecond},
                                         {"d", 86'400 * kSecond},
                                         {"h", 3'600 * kSecond},
                                         {"m", 60 * kSecond},
                                         {"s", kSecond}}};

// "03:04:05.5" or "03:04" after the hours were read.
// The rest of the text must be clock: nothing may follow.
std::optional<int64_t> TakeClock(absl::string_view text, size_t* position, int64_t hours) {
  // A fourth of 64 bits: room for what stands before the clock.
  if (hours > std::numeric_limits<int64_t>::max() / 4 / (3600 * kSecond)) return std::nullopt;
  ++*position;
  const std::optional<int64_t> minutes = TakeDigits(text, position);
  if (!minutes || *minutes > 59) return std::nullopt;
  int64_t total = (hours * 3600 + *minutes * 60) * kSecond;
  // "03:04" are hours and minutes.
  if (*position == text.size()) return total;
  if (text[*position] != ':') return std::nullopt;
  ++*position;
  const std::optional<int64_t> seconds = TakeDigits(text, position);
  if (!seconds || *seconds > 59) return std::nullopt;
  total += *seconds * kSecond;
  if (*position < text.size() && text[*position] == '.') {
    const std::optional<int64_t> fraction = TakeFraction(text, position);
    if (!fraction) return std::nullopt;
    total += *fraction;
  }
  if (*position != text.size()) return std::nullopt;
  return total;
}

std::string ArrayText(const Array& array) {
  std::string out;
  for (const Value& value : array.list) {
    if (!out.empty()) out.push_back(';');
    out += ToText(value);
  }
  bool first = array.list.empty();
  // Sorted by name, since a router's own order isn't known.
  for (const auto& [name, value] : array.named) {
    if (!first) out.push_back(';');
    first = false;
    absl::StrAppend(&out, name, "=", ToText(value));
  }
  return out;
}

}  // namespace

Value Value::Nil() {
  Value value;
  value.type_ = ValueType::kNil;
  return value;
}
Value Value::Bool(bool flag) {
  Value value;
  value.type_ = ValueType::kBool;
  value.number_ = flag ? 1 : 0;
  return value;
}
Value Value::Number(int64_t number) {
  Value value;
  value.type_ = ValueType::kNumber;
  value.number_ = number;
  return value;
}
Value Value::Time(int64_t nanoseconds) {
  Value value;
  value.type_ = ValueType::kTime;
  value.number_ = nanoseconds;
  return value;
}
Value Value::Ip(uint32_t address) {
  Value value;
  value.type_ = ValueType::kIp;
  value.number_ = address;
  return value;
}
Value Value::IpPrefix(uint32_t address, int length) {
  Value value;
  value.type_ = ValueType::kIpPrefix;
  value.number_ = address;
  value.prefix_length_ = static_cast<uint8_t>(length);
  return value;
}
Value Value::Ip6(std::string text) {
  Value value;
  value.type_ = ValueType::kIp6;
  value.text_ = std::move(text);
  return value;
}
Value Value::Ip6Prefix(std::string text) {
  Value value;
  value.type_ = ValueType::kIp6Prefix;
  value.text_ = std::move(text);
  return value;
}
Value Value::Id(int64_t id) {
  Value value;
  value.type_ = ValueType::kId;
  value.number_ = id;
  return value;
}
Value Value::String(std::string text) {
  Value value;
  value.type_ = ValueType::kString;
  value.text_ = std::move(text);
  return value;
}
Value Value::List(std::vector<Value> values) {
  Array array;
  array.list = std::move(values);
  return FromArray(std::move(array));
}
Value Value::FromArray(Array array) {
  Value value;
  value.type_ = ValueType::kArray;
  value.array_ = std::make_shared<const Array>(std::move(array));
  return value;
}
Value Value::Function(std::shared_ptr<const Program> program, const Node* body) {
  Value value;
  value.type_ = ValueType::kFunction;
  value.program_ = std::move(program);
  value.body_ = body;
  return value;
}
Value Value::Code(std::shared_ptr<const Program> program, const Node* body) {
  Value value = Function(std::move(program), body);
  value.type_ = ValueType::kCode;
  return value;
}

const Array& Value::array() const {
  // So that callers need not ask for the type first.
  static const Array* const kEmpty = new Array();
  return array_ ? *array_ : *kEmpty;
}

// A position is not looked for among the names, nor "0" among the positions.
Value Array::Get(const Value& key) const {
  if (key.Is(ValueType::kNumber)) {
    if (key.number() < 0 || static_cast<size_t>(key.number()) >= list.size()) return Value();
    return list[static_cast<size_t>(key.number())];
  }
  const auto found = named.find(ToText(key));
  return found == named.end() ? Value() : found->second;
}

// Arrays are shared between values, so this is only called on a copy.
void Array::Set(const Value& key, Value value) {
  if (!key.Is(ValueType::kNumber)) {
    const std::string name = ToText(key);
    if (value.Is(ValueType::kNothing)) {
      // As `:set ($a->"k")` without a value does.
      named.erase(name);
    } else {
      named[name] = std::move(value);
    }
    return;
  }
  // Far indexes would only grow memory: RouterOS appends at the end.
  const size_t index =
      std::min(static_cast<size_t>(std::max<int64_t>(key.number(), 0)), list.size());
  if (index == list.size()) {
    list.push_back(std::move(value));
  } else {
    list[index] = std::move(value);
  }
}

absl::string_view TypeName(const Value& value) {
  switch (value.type()) {
    case ValueType::kNothing:
      return "nothing";
    case ValueType::kNil:
      return "nil";
    case ValueType::kBool:
      return "bool";
    case ValueType::kNumber:
      return "num";
    case ValueType::kTime:
      return "time";
    case ValueType::kIp:
      return "ip";
    case ValueType::kIpPrefix:
      return "ip-prefix";
    case ValueType::kIp6:
      return "ip6";
    case ValueType::kIp6Prefix:
      return "ip6-prefix";
    case ValueType::kId:
      return "id";
    case ValueType::kString:
      return "str";
    case ValueType::kArray:
      return "array";
    case ValueType::kFunction:
      return "array";
    case ValueType::kCode:
      return "code";
  }
  return "nothing";
}

std::string ToText(const Value& value) {
  switch (value.type()) {
    case ValueType::kNothing:
    case ValueType::kNil:
      return "";
    case ValueType::kBool:
      return value.AsBool() ? "true" : "false";
    case ValueType::kNumber:
      return absl::StrCat(value.number());
    case ValueType::kTime:
      return FormatTime(value.number());
    case ValueType::kIp:
      return FormatIp(static_cast<uint32_t>(value.number()));
    case ValueType::kIpPrefix:
      return absl::StrCat(FormatIp(static_cast<uint32_t>(value.number())), "/",
                          value.prefix_length());
    case ValueType::kId:
      return absl::StrFormat("*%X", value.number());
    case ValueType::kIp6:
    case ValueType::kIp6Prefix:
    case ValueType::kString:
      return value.text();
    case ValueType::kArray:
      return ArrayText(value.array());
    case ValueType::kFunction:
      // Nobody should rely on these two; they show in logs.
      return ";(evl)";
    case ValueType::kCode:
      return "(code)";
  }
  return "";
}

// Weeks and days only where there are some; fractions without their last zeros.
std::string FormatTime(int64_t nanoseconds) {
  std::string out;
  // The smallest number has no positive twin among signed ones.
  uint64_t rest =
      nanoseconds < 0 ? 0 - static_cast<uint64_t>(nanoseconds) : static_cast<uint64_t>(nanoseconds);
  if (nanoseconds < 0) out.push_back('-');
  const uint64_t seconds = rest / kSecond;
  const uint64_t weeks = seconds / 604'800;
  const uint64_t days = seconds / 86'400 % 7;
  if (weeks > 0) absl::StrAppend(&out, weeks, "w");
  if (days > 0) absl::StrAppend(&out, days, "d");
  absl::StrAppendFormat(&out, "%02d:%02d:%02d", seconds / 3600 % 24, seconds / 60 % 60,
                        seconds % 60);
  rest %= kSecond;
  if (rest > 0) {
    std::string digits = absl::StrFormat("%09d", rest);
    while (digits.back() == '0') digits.pop_back();
    absl::StrAppend(&out, ".", digits);
  }
  return out;
}

std::string FormatIp(uint32_t address) {
  return absl::StrCat(address >> 24, ".", address >> 16 & 255, ".", address >> 8 & 255, ".",
                      address & 255);
}

// Whole numbers alone: RouterOS has no decimals. "0x" in hex, a minus in front.
std::optional<int64_t> ParseNumber(absl::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  absl::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty()) return std::nullopt;
  if (digits.size() > 2 && digits[0] == '0' && digits[1] == 'x') {
    uint64_t value = 0;
    // 16 hex digits; the number wraps into the sign as RouterOS's 64 bits do.
    if (digits.size() > 18) return std::nullopt;
    for (const char c : digits.substr(2)) {
      if (!absl::ascii_isxdigit(c)) return std::nullopt;
      value = value * 16 + static_cast<uint64_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return static_cast<int64_t>(negative ? 0 - value : value);
  }
  for (const char c : digits) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
  }
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseTime(absl::string_view text) {
  size_t position = 0;
  int64_t total = 0;
  bool negative = false;
  if (!text.empty() && text[0] == '-') {
    negative = true;
    position = 1;
  }
  if (position == text.size()) return std::nullopt;
  while (position < text.size()) {
    const std::optional<int64_t> digits = TakeDigits(text, &position);
    // Keeps the products below inside of 64 bits, together with the check of each unit.
    if (!digits || *digits > 10'000'000'000) return std::nullopt;
    if (position < text.size() && text[position] == ':') {
      const std::optional<int64_t> clock = TakeClock(text, &position, *digits);
      if (!clock) return std::nullopt;
      total += *clock;
      break;
    }
    // "1.5s": billionths of the unit, scaled in two steps so that weeks don't overflow.
    int64_t fraction = 0;  // billionths of the unit
    if (position < text.size() && text[position] == '.') {
      const std::optional<int64_t> behind_dot = TakeFraction(text, &position);
      if (!behind_dot) return std::nullopt;
      fraction = *behind_dot;
    }
    const Unit* found = nullptr;
    for (const Unit& unit : kUnits) {
      if (text.substr(position, unit.name.size()) == unit.name) {
        found = &unit;
        break;
      }
    }
    if (found == nullptr) return std::nullopt;
    if (*digits > std::numeric_limits<int64_t>::max() / 4 / found->nanoseconds) return std::nullopt;
    position += found->name.size();
    total += *digits * found->nanoseconds + fraction / 1000 * (found->nanoseconds / 1000) / 1000;
    if (total > std::numeric_limits<int64_t>::max() / 2) return std::nullopt;
  }
  return negative ? -total : total;
}

// Four parts without signs, each up to 255; leading zeros are taken.
std::optional<uint32_t> ParseIp(absl::string_view text) {
  // "1.1.1.1" to "255.255.255.255".
  if (text.size() < 7 || text.size() > 15) return std::nullopt;
  uint32_t address = 0;
  int parts = 0;
  for (absl::string_view part : absl::StrSplit(text, '.')) {
    size_t position = 0;
    const std::optional<int64_t> value = TakeDigits(part, &position);
    if (!value || position != part.size() || *value > 255 || ++parts > 4) return std::nullopt;
    address = address << 8 | static_cast<uint32_t>(*value);
  }
  if (parts != 4) return std::nullopt;
  return address;
}

std::optional<std::pair<uint32_t, int>> ParseIpPrefix(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  const std::optional<uint32_t> address = ParseIp(text.substr(0, slash));
  const std::optional<int64_t> length = ParseNumber(text.substr(slash + 1));
  if (!address || !length || *length < 0 || *length > 32) return std::nullopt;
  return std::make_pair(*address, static_cast<int>(*length));
}

// Only by its letters: no address of v6 is ever computed with here.
bool LooksLikeIp6(absl::string_view text) {
  int colons = 0;
  size_t group = 0;
  for (const char c : text) {
    if (c == ':') {
      ++colons;
      group = 0;
    } else if (!absl::ascii_isxdigit(c) || ++group > 4) {
      return false;
    }
  }
  return colons >= 2 && colons <= 7 && (colons == 7 || text.find("::") != absl::string_view::npos);
}

std::optional<int64_t> ParseId(absl::string_view text) {
  if (text.size() < 2 || text.size() > 16 || text[0] != '*') return std::nullopt;
  return ParseNumber(absl::StrCat("0x", text.substr(1)));
}

Value FromWord(absl::string_view word) {
  // Before numbers and texts, since nothing else reads them.
  if (word == "true" || word == "yes") return Value::Bool(true);
  if (word == "false" || word == "no") return Value::Bool(false);
  if (std::optional<int64_t> number = ParseNumber(word)) return Value::Number(*number);
  // Behind numbers: "10" is a number and no time.
  if (std::optional<int64_t> time = ParseTime(word)) return Value::Time(*time);
  if (std::optional<uint32_t> ip = ParseIp(word)) return Value::Ip(*ip);
  if (auto prefix = ParseIpPrefix(word)) return Value::IpPrefix(prefix->first, prefix->second);
  if (std::optional<int64_t> id = ParseId(word)) return Value::Id(*id);
  const size_t slash = word.find('/');
  if (LooksLikeIp6(word.substr(0, slash))) {
    return slash == absl::string_view::npos ? Value::Ip6(std::string(word))
                                            : Value::Ip6Prefix(std::string(word));
  }
  return Value::String(std::string(word));
}

// Code and functions are the same only if they are the very one.
bool SameValue(const Value& a, const Value& b) {
  // "1" and 1 differ, as they do on a router.
  if (a.type() != b.type()) return false;
  if (a.Is(ValueType::kArray)) {
    const Array& x = a.array();
    const Array& y = b.array();
    if (x.list.size() != y.list.size() || x.named.size() != y.named.size()) return false;
    for (size_t i = 0; i < x.list.size(); ++i) {
      if (!SameValue(x.list[i], y.list[i])) return false;
    }
    return std::equal(x.named.begin(), x.named.end(), y.named.begin(),
                      [](const auto& p, const auto& q) {
                        return p.first == q.first && SameValue(p.second, q.second);
                      });
  }
  return a.number() == b.number() && a.prefix_length() == b.prefix_length() &&
         a.text() == b.text() && a.body() == b.body();
}

}  // namespace muster::routeros::language
