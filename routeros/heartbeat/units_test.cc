#include "routeros/heartbeat/units.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::routeros {
namespace {

struct Row {
  std::string text;
  std::optional<uint64_t> expected;
};

TEST(UnitsTest, ReadsDurationsInEveryNotationOfRouterOs) {
  constexpr uint64_t kSecond = 1'000'000;
  const std::vector<Row> rows = {
      {"1w2d03:04:05", (7 * 86400 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5) * kSecond},
      {"03:04:05", (3 * 3600 + 4 * 60 + 5) * kSecond},
      {"00:00:00.009739", 9739},
      {"00:00:00.5", 500'000},
      {"1d10h30m15s", (86400 + 10 * 3600 + 30 * 60 + 15) * kSecond},
      {"9ms739us", 9739},
      {"5w", 5 * 7 * 86400 * kSecond},
      {"12s", 12 * kSecond},
      {"0", 0},
      {"42", 42 * kSecond},
      {"42.000000", 42 * kSecond},
      {"", std::nullopt},
      {"w", std::nullopt},
      {"1y", std::nullopt},
      {"1d2", std::nullopt},
      {"-1s", std::nullopt},
      {"1:2", std::nullopt},
      {"00:60:00", std::nullopt},
      {"00:00:61", std::nullopt},
      {"00:00:00.", std::nullopt},
      {"00:00:00.1x", std::nullopt},
      {"1.5", std::nullopt},
      {"1..0", std::nullopt},
      {"99999999999999999999s", std::nullopt},
      {"9999999999999999w", std::nullopt},
      {"9223372036854775807", std::nullopt},
      {"1s ", std::nullopt},
  };
  for (const Row& row : rows)
    EXPECT_EQ(ParseDurationUs(row.text, kSecond), row.expected) << row.text;
  EXPECT_EQ(ParseDurationUs("9739", 1), 9739);
}

TEST(UnitsTest, ReadsCountsWithAndWithoutTheirUnit) {
  struct CountRow {
    std::string text, unit;
    std::optional<uint64_t> expected;
  };
  const std::vector<CountRow> rows = {
      {"880", "MHz", 880},
      {"880MHz", "MHz", 880},
      {"12%", "%", 12},
      {"1234.000000", "", 1234},
      {"58.5MiB", "B", 61341696},
      {"128KiB", "B", 131072},
      {"17B", "B", 17},
      {"9223372036854775807", "", 9223372036854775807u},
      {"9223372036854775808", "", std::nullopt},
      {"18446744073709551616", "", std::nullopt},
      {"9000000000000TiB", "B", std::nullopt},
      {"12.5", "", std::nullopt},
      {"12.", "", std::nullopt},
      {"-1", "", std::nullopt},
      {"+1", "", std::nullopt},
      {" 1", "", std::nullopt},
      {"1e5", "", std::nullopt},
      {"0x10", "", std::nullopt},
      {"12%", "MHz", std::nullopt},
      {"", "", std::nullopt},
      {"MHz", "MHz", std::nullopt},
  };
  for (const CountRow& row : rows)
    EXPECT_EQ(ParseCount(row.text, row.unit), row.expected) << row.text;
}

TEST(UnitsTest, ReadsReadingsWithSignDecimalsAndUnit) {
  const std::optional<Reading> temperature = ParseReading("41C");
  ASSERT_TRUE(temperature.has_value());
  EXPECT_EQ(temperature->value_milli, 41000);
  EXPECT_EQ(temperature->unit, "C");
  EXPECT_EQ(ParseReading("-7.25")->value_milli, -7250);
  EXPECT_EQ(ParseReading("24.2V")->value_milli, 24200);
  EXPECT_EQ(ParseReading("0.0004")->value_milli, 0);
  for (const char* text : {"", "-", "ok", ".5", "1.", "9223372036854775807", "1 something long"}) {
    EXPECT_FALSE(ParseReading(text).has_value()) << text;
  }
}

TEST(UnitsTest, ReadsPercentWithAndWithoutTheSign) {
  EXPECT_EQ(ParsePercentMilli("0%"), 0);
  EXPECT_EQ(ParsePercentMilli("0"), 0);
  EXPECT_EQ(ParsePercentMilli("12.5%"), 12500);
  EXPECT_EQ(ParsePercentMilli("-1%"), std::nullopt);
  EXPECT_EQ(ParsePercentMilli("5C"), std::nullopt);
}

}  // namespace
}  // namespace muster::routeros
