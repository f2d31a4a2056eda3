#include "server/filter/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace muster::server {
namespace {

using testing::ElementsAre;

TEST(OrderTest, ReadsFieldsWithTheirDirections) {
  const auto order =
      Order::Parse(" site , create_time  desc,identity asc", {"site", "create_time", "identity"});
  ASSERT_TRUE(order.ok()) << order.status();
  ASSERT_EQ(order->parts().size(), 3u);
  EXPECT_EQ(order->parts()[0].field, "site");
  EXPECT_FALSE(order->parts()[0].descending);
  EXPECT_EQ(order->parts()[1].field, "create_time");
  EXPECT_TRUE(order->parts()[1].descending);
  EXPECT_FALSE(order->parts()[2].descending);
  EXPECT_TRUE(Order::Parse("  ", {"site"})->empty());
}

TEST(OrderTest, RefusesWhatIsNoOrder) {
  for (const char* text :
       {"size", "site up", "site desc asc", ",", "site,", "site, site desc", "site;a", "a,b,c,d"}) {
    EXPECT_EQ(Order::Parse(text, {"site", "a", "b", "c", "d"}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

std::string TextKey(absl::string_view text, bool descending, uint64_t id = 1) {
  SortKey key;
  key.AddText(text, descending);
  return std::move(key).Finish(id);
}

std::string NumberKey(int64_t number, bool descending) {
  SortKey key;
  key.AddNumber(number, descending);
  return std::move(key).Finish(uint64_t{1});
}

std::string VersionKey(absl::string_view version) {
  SortKey key;
  key.AddVersion(version, false);
  return std::move(key).Finish(uint64_t{1});
}

TEST(SortKeyTest, SortsAsTheFieldsDo) {
  EXPECT_LT(TextKey("a", false), TextKey("ab", false));
  EXPECT_LT(TextKey("ab", false), TextKey("b", false));
  EXPECT_GT(TextKey("a", true), TextKey("ab", true));
  EXPECT_LT(TextKey("", false), TextKey("a", false));
  EXPECT_LT(TextKey("a", true, 1), TextKey("a", true, 2)) << "the id breaks ties upwards";
  EXPECT_LT(TextKey("z", false, ~uint64_t{0}), TextKey("za", false, 0));
  EXPECT_LT(NumberKey(-5, false), NumberKey(3, false));
  EXPECT_GT(NumberKey(-5, true), NumberKey(3, true));
  EXPECT_LT(NumberKey(255, false), NumberKey(256, false));
  for (const auto& [low, high] :
       std::vector<std::pair<const char*, const char*>>{{"", "6.49.10"},
                                                        {"7.9", "7.10"},
                                                        {"7.21beta3", "7.21rc1"},
                                                        {"7.21rc1", "7.21"},
                                                        {"7.15.3 (stable)", "7.16"},
                                                        {"6.49.10", "7.1"}}) {
    EXPECT_LT(VersionKey(low), VersionKey(high)) << low << " " << high;
  }
}

TEST(FirstRowsTest, PagesThroughAllRowsOnceInOrder) {
  std::vector<int> rows(100);
  for (int i = 0; i < 100; ++i) rows[i] = (i * 37) % 100;
  std::vector<int> seen;
  std::string after;
  do {
    FirstRows<int> first(after, 7);
    for (const int row : rows) first.Offer(NumberKey(row, false), row);
    for (const int row : std::move(first).Take(&after)) seen.push_back(row);
  } while (!after.empty());
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(FirstRowsTest, NothingFollowsAFullLastPage) {
  FirstRows<int> first("", 2);
  for (const int row : {2, 1}) first.Offer(NumberKey(row, false), row);
  std::string next = "x";
  EXPECT_THAT(std::move(first).Take(&next), ElementsAre(1, 2));
  EXPECT_EQ(next, "");
}

}  // namespace
}  // namespace muster::server
