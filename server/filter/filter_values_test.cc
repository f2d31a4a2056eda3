#include "server/filter/filter_values.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

int Compare(absl::string_view a, absl::string_view b) {
  return CompareVersions(*ParseVersionValue(a), *ParseVersionValue(b));
}

TEST(VersionValueTest, NumbersCompareAsNumbersAndBetasComeBeforeTheRelease) {
  EXPECT_GT(Compare("7.10", "7.9.2"), 0);
  EXPECT_LT(Compare("6.49.10", "7.1"), 0);
  EXPECT_EQ(Compare("7.20", "7.20.0"), 0);
  EXPECT_EQ(Compare("7.20.8 (stable)", "7.20.8"), 0);
  EXPECT_LT(Compare("7.21beta3", "7.21rc1"), 0);
  EXPECT_LT(Compare("7.21rc1", "7.21"), 0);
  EXPECT_LT(Compare("7.21beta2", "7.21beta10"), 0);
  EXPECT_GT(Compare("7.21beta1", "7.20.8"), 0);
}

TEST(VersionValueTest, RefusesWhatIsNoVersion) {
  for (const char* text :
       {"", "stable", "7.", "7.x", ".7", "7.1beta", "7.1gamma2", "1.2.3.4.5", "99999999"}) {
    EXPECT_FALSE(ParseVersionValue(text).has_value()) << text;
  }
}

TEST(AddressRangeTest, KnowsWhatLiesWithin) {
  const auto within = [](absl::string_view address, absl::string_view range) {
    return AddressIsWithin(*ParseAddressRange(address), *ParseAddressRange(range));
  };
  EXPECT_TRUE(within("203.0.113.7", "203.0.113.0/24"));
  EXPECT_FALSE(within("203.0.114.7", "203.0.113.0/24"));
  EXPECT_TRUE(within("203.0.113.129", "203.0.113.128/25"));
  EXPECT_FALSE(within("203.0.113.127", "203.0.113.128/25"));
  EXPECT_TRUE(within("2001:db8::1", "2001:db8::/32"));
  EXPECT_TRUE(within("::ffff:203.0.113.7", "203.0.113.7"));
  EXPECT_TRUE(within("10.1.2.3", "0.0.0.0/0"));
  EXPECT_FALSE(within("2001:db8::1", "0.0.0.0/0"));
  EXPECT_FALSE(ParseAddressRange("203.0.113.0/33").has_value());
  EXPECT_FALSE(ParseAddressRange("203.0.113").has_value());
  EXPECT_FALSE(ParseAddressRange("203.0.113.0/").has_value());
}

TEST(AgoTest, ReadsUnitsAndRefusesTheRest) {
  EXPECT_EQ(ParseAgo("90s"), 90'000'000);
  EXPECT_EQ(ParseAgo("1h30m"), 5'400'000'000);
  EXPECT_EQ(ParseAgo("7d"), int64_t{604'800} * 1'000'000);
  for (const char* text : {"", "5", "m", "5x", "-5m", "9999999d", "999999w"}) {
    EXPECT_FALSE(ParseAgo(text).has_value()) << text;
  }
}

TEST(TimeValueTest, ReadsRfc3339AndDates) {
  EXPECT_EQ(ParseTimeValue("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(ParseTimeValue("1970-01-01T01:00:01+01:00"), 1'000'000);
  EXPECT_EQ(ParseTimeValue("1970-01-02"), int64_t{86'400} * 1'000'000);
  EXPECT_FALSE(ParseTimeValue("yesterday").has_value());
  EXPECT_FALSE(ParseTimeValue("1960-01-01").has_value());
  EXPECT_FALSE(ParseTimeValue("infinite-future").has_value());
}

TEST(GlobTest, StarsStandForAnything) {
  const Glob glob({"gw-", "-", ""});
  EXPECT_TRUE(glob.Matches("gw-berlin-1", false));
  EXPECT_FALSE(glob.Matches("gw-berlin", false));
  EXPECT_FALSE(glob.Matches("GW-berlin-1", false));
  EXPECT_TRUE(glob.Matches("GW-berlin-1", true));
  EXPECT_FALSE(Glob({"ab", "ba"}).Matches("aba", false));
  EXPECT_TRUE(Glob({"", "b", ""}).FoundIn("aBc"));
}

}  // namespace
}  // namespace muster::server
