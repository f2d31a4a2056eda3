#include "routeros/language/value.h"

#include <string>

#include "gtest/gtest.h"

namespace muster::routeros::language {
namespace {

struct WordCase {
  const char* word;
  const char* type;
  const char* text;
};

TEST(ValueTest, ReadsWordsAsAConsoleDoes) {
  const WordCase cases[] = {
      {"5", "num", "5"},
      {"0x1F", "num", "31"},
      {"-3", "num", "-3"},
      {"true", "bool", "true"},
      {"yes", "bool", "true"},
      {"30s", "time", "00:00:30"},
      {"1w2d03:04:05", "time", "1w2d03:04:05"},
      {"9ms739us", "time", "00:00:00.009739"},
      {"10.0.0.1", "ip", "10.0.0.1"},
      {"10.0.0.1/24", "ip-prefix", "10.0.0.1/24"},
      {"fe80::1", "ip6", "fe80::1"},
      {"*1A", "id", "*1A"},
      {"ether1", "str", "ether1"},
      {"1.2.3", "str", "1.2.3"},
      {"10.0.0.256", "str", "10.0.0.256"},
      {"600000:00", "time", "3571w3d00:00:00"},
      {"9999999999:00", "str", "9999999999:00"},
  };
  for (const WordCase& c : cases) {
    const Value value = FromWord(c.word);
    EXPECT_EQ(TypeName(value), c.type) << c.word;
    EXPECT_EQ(ToText(value), c.text) << c.word;
  }
}

TEST(ValueTest, ReadsNumbersOfSixtyFourBits) {
  EXPECT_EQ(ParseNumber("9223372036854775807"), int64_t{9223372036854775807});
  EXPECT_EQ(ParseNumber("9223372036854775808"), std::nullopt);
  EXPECT_EQ(ParseNumber(""), std::nullopt);
  EXPECT_EQ(ParseNumber("12%"), std::nullopt);
}

TEST(ValueTest, KeepsPositionsAndNamesOfAnArrayApart) {
  Array array;
  array.list = {Value::Number(7), Value::String("b")};
  array.Set(Value::String("key"), Value::Bool(true));
  EXPECT_EQ(array.size(), 3u);
  EXPECT_EQ(ToText(array.Get(Value::Number(0))), "7");
  EXPECT_EQ(ToText(array.Get(Value::String("key"))), "true");
  EXPECT_TRUE(array.Get(Value::String("none")).Is(ValueType::kNothing));
  EXPECT_EQ(ToText(Value::FromArray(array)), "7;b;key=true");
}

TEST(ValueTest, ComparesValuesOfOneType) {
  EXPECT_TRUE(SameValue(Value::String("a"), Value::String("a")));
  EXPECT_FALSE(SameValue(Value::String("1"), Value::Number(1)));
  EXPECT_TRUE(SameValue(Value::List({Value::Number(1)}), Value::List({Value::Number(1)})));
  EXPECT_FALSE(SameValue(Value::List({Value::Number(1)}), Value::List({})));
}

}  // namespace
}  // namespace muster::routeros::language
