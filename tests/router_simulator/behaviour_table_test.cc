#include "tests/router_simulator/behaviour_table.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/router_simulator/behaviour_runner.h"
#include "tests/router_simulator/quirk_names.h"

namespace muster::simulator {
namespace {

constexpr absl::string_view kFamilies = "6.49.10,7.1,7.8,7.12.2,7.15.3,7.20.8";

// The versions to try a row on; "<7.4" is none.
std::vector<std::string> VersionsOf(const Behaviour& row) {
  std::vector<std::string> versions;
  const absl::string_view text = row.versions.empty() ? kFamilies : row.versions;
  for (const absl::string_view version : absl::StrSplit(text, ',')) {
    if (version[0] != '<') versions.emplace_back(version);
  }
  return versions;
}

TEST(BehaviourTableTest, HasAllFifteenGroups) {
  std::set<int> groups;
  for (const Behaviour& row : BehaviourTable()) groups.insert(row.group);
  EXPECT_EQ(groups.size(), 15u);
  EXPECT_EQ(*groups.begin(), 1);
  EXPECT_EQ(*groups.rbegin(), 15);
}

TEST(BehaviourTableTest, EveryRowHolds) {
  for (const Behaviour& row : BehaviourTable()) {
    for (const std::string& version : VersionsOf(row)) {
      EXPECT_EQ(AnswerOf(row, version, Quirks()), WithServer(row.expected))
          << row.name << " on " << version;
    }
  }
}

TEST(BehaviourTableTest, EveryUnverifiedRowHoldsTheOtherWay) {
  for (const Behaviour& row : BehaviourTable()) {
    if (row.quirk.empty()) continue;
    Quirks quirks;
    ASSERT_TRUE(FlipQuirk(row.quirk, &quirks)) << row.quirk;
    for (const std::string& version : VersionsOf(row)) {
      EXPECT_EQ(AnswerOf(row, version, quirks), WithServer(row.otherwise))
          << row.name << " on " << version;
    }
  }
}

TEST(BehaviourTableTest, EveryUnverifiedRowHasASwitch) {
  for (const Behaviour& row : BehaviourTable()) {
    EXPECT_TRUE(row.verified || !row.quirk.empty()) << row.name;
  }
}

}  // namespace
}  // namespace muster::simulator
