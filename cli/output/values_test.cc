#include "cli/output/values.h"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(ValuesTest, DurationsHaveTwoUnitsAtMost) {
  EXPECT_EQ(ShortDuration(absl::Seconds(0)), "0s");
  EXPECT_EQ(ShortDuration(absl::Seconds(59)), "59s");
  EXPECT_EQ(ShortDuration(absl::Seconds(190)), "3m10s");
  EXPECT_EQ(ShortDuration(absl::Seconds(7200)), "2h");
  EXPECT_EQ(ShortDuration(absl::Hours(24 * 12 + 3)), "12d3h");
  EXPECT_EQ(ShortDuration(-absl::Seconds(5)), "0s");
}

TEST(ValuesTest, TimesAreRelativeForPeopleAndExactForPrograms) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_EQ(TimeCell(true, ToTimestamp(now - absl::Seconds(12)), now).text, "12s ago");
  EXPECT_EQ(TimeCell(true, ToTimestamp(now + absl::Minutes(3)), now).text, "in 3m");
  EXPECT_EQ(TimeCell(true, ToTimestamp(now), now).exact, "2023-11-14T22:13:20Z");
  EXPECT_EQ(TimeCell(false, {}, now).text, "");
}

TEST(ValuesTest, BytesAndShares) {
  EXPECT_EQ(BytesCell(512).text, "512 B");
  EXPECT_EQ(BytesCell(64 << 20).text, "64.0 MiB");
  EXPECT_EQ(BytesCell(64 << 20).exact, "67108864");
  EXPECT_EQ(UsedCell(62, 100).text, "38%");
  EXPECT_EQ(UsedCell(1, 0).text, "");
}

TEST(ValuesTest, ThousandthsWithoutNeedlessZeros) {
  EXPECT_EQ(MilliText(24500), "24.5");
  EXPECT_EQ(MilliText(-500), "-0.5");
  EXPECT_EQ(MilliText(12000), "12");
}

}  // namespace
}  // namespace muster::cli
