// Values of the RouterOS script language: what `:typeof` tells apart, how they print and compare.
//
// They are what the traps of scripts come from: nil against nothing, a word that turns into a
// number or a time, lists against maps, texts that don't compare with `<`. So all of it is here, in
// one place that tests compare with the manual.
// Threads:  a Value is a plain value; arrays and code are shared and never changed once made.
// Units:    times in nanoseconds.
// Errors:   conversions that RouterOS answers with nothing give a Value of kind kNil.
// Example:  value_test.cc, ReadsWordsAsAConsoleDoes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::routeros::language {

enum class ValueType : uint8_t {
  // `:typeof` tells "nothing" and "nil" apart, but both print as nothing at all.
  kNothing,  // a variable that was never set, a missing key
  kNil,      // what `:find` and `:tonum` answer where there is no answer
  kBool,
  kNumber,
  kTime,
  kIp,
  kIpPrefix,
  kIp6,
  kIp6Prefix,
  kId,
  kString,
  kArray,
  // Its text prints as ";(evl)", as consoles show it.
  kFunction,  // do={...}: `:typeof` calls it "array"
  kCode,      // what `:parse` gives
};

struct Node;
class Value;

// Positional values and, sorted by name, named ones.
struct Array;

// Held by its functions, since a global may outlive the script that set it.
// A parsed script that stays alive as long as somebody holds code of it.
struct Program;

// Cheap to copy: a text is copied, arrays and code are shared.
class Value {
 public:
  Value() = default;
  static Value Nil();
  static Value Bool(bool value);
  static Value Number(int64_t value);
  static Value Time(int64_t nanoseconds);
  static Value Ip(uint32_t address);
  static Value IpPrefix(uint32_t address, int length);
  static Value Ip6(std::string text);
  static Value Ip6Prefix(std::string text);
  // "*1F" of a row; compared as a number.
  static Value Id(int64_t id);
  static Value String(std::string text);
  static Value List(std::vector<Value> values);
  static Value FromArray(Array array);
  static Value Function(std::shared_ptr<const Program> program, const Node* body);
  static Value Code(std::shared_ptr<const Program> program, const Node* body);

  ValueType type() const { return type_; }
  bool Is(ValueType type) const { return type_ == type; }
  // Where a script's `[:len $x] = 0` would be true, too.
  // True for nothing and nil.
  bool IsEmpty() const { return type_ == ValueType::kNothing || type_ == ValueType::kNil; }
  bool IsText() const { return type_ == ValueType::kString; }

  // Of a number, a bool, a time (nanoseconds), an address or an id; 0 for others.
  int64_t number() const { return number_; }
  bool AsBool() const { return number_ != 0; }
  int prefix_length() const { return prefix_length_; }
  const std::string& text() const { return text_; }
  std::string& mutable_text() { return text_; }
  // The empty array for every other type.
  const Array& array() const;
  const Node* body() const { return body_; }
  const std::shared_ptr<const Program>& program() const { return program_; }

 private:
  ValueType type_ = ValueType::kNothing;
  uint8_t prefix_length_ = 0;
  int64_t number_ = 0;
  std::string text_;
  std::shared_ptr<const Array> array_;
  std::shared_ptr<const Program> program_;
  const Node* body_ = nullptr;
};

// RouterOS has one type for both: `({1;2;a=3})` has two positions and a name.
struct Array {
  std::vector<Value> list;
  std::map<std::string, Value> named;

  size_t size() const { return list.size() + named.size(); }
  // Nothing where the key is absent.
  // A position by number, a name by text.
  Value Get(const Value& key) const;
  // Nothing as the value takes a named one away. A position behind the end appends.
  void Set(const Value& key, Value value);
};

// What `:typeof` answers.
absl::string_view TypeName(const Value& value);

// As a router shows them, where that is known: arrays joined by ";", times as "1w2d03:04:05".
// What `:put`, `:tostr` and the dot make of it.
std::string ToText(const Value& value);
// The same for an element of an array as `:put` shows it.
std::string FormatTime(int64_t nanoseconds);
std::string FormatIp(uint32_t address);

// As the console reads unquoted words; bounds are checked, so a long word is text.
// Readers of literals. Nullopt where the whole text isn't one.
std::optional<int64_t> ParseNumber(absl::string_view text);
// Nanoseconds: "1w2d03:04:05", "5s", "9ms739us".
std::optional<int64_t> ParseTime(absl::string_view text);
std::optional<uint32_t> ParseIp(absl::string_view text);
std::optional<std::pair<uint32_t, int>> ParseIpPrefix(absl::string_view text);
bool LooksLikeIp6(absl::string_view text);
// "*1F", hex in either case.
std::optional<int64_t> ParseId(absl::string_view text);

// This is how `:local a 1.2.3.4` becomes an address, and `yes` a truth value.
// The value that an unquoted word stands for: number, time, address, id, true, false, else text.
Value FromWord(absl::string_view word);

// Values of two types are never equal: "1" is not 1, which is why the agent makes both sides text
// first.
// Equal as `=` says for values of one type, arrays element by element.
bool SameValue(const Value& a, const Value& b);

}  // namespace muster::routeros::language
