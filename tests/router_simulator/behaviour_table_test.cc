#include "tests/router_simulator/behaviour_table.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/router_simulator/quirk_names.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

constexpr absl::string_view kFamilies = "6.49.10,7.1,7.8,7.12.2,7.15.3,7.20.8";

std::string AnswerOf(absl::string_view version, absl::string_view input, const Quirks& quirks) {
  RouterOptions options;
  options.version = *ParseRouterVersion(version);
  options.quirks = quirks;
  Router router(std::move(options));
  const RunResult result = router.Run(input);
  if (!result.loaded) return "REFUSED";
  if (!result.ok) return "ERROR " + result.error;
  return absl::StrReplaceAll(absl::StripTrailingAsciiWhitespace(result.output), {{"\r\n", "|"}});
}

TEST(BehaviourTableTest, EveryRowHolds) {
  for (const Behaviour& row : BehaviourTable()) {
    const absl::string_view versions = row.versions.empty() ? kFamilies : row.versions;
    for (const absl::string_view version : absl::StrSplit(versions, ',')) {
      EXPECT_EQ(AnswerOf(version, row.input, Quirks()), row.expected)
          << row.name << " on " << version;
    }
  }
}

TEST(BehaviourTableTest, EveryUnverifiedRowHoldsTheOtherWay) {
  for (const Behaviour& row : BehaviourTable()) {
    if (row.quirk.empty()) continue;
    Quirks quirks;
    ASSERT_TRUE(FlipQuirk(row.quirk, &quirks)) << row.quirk;
    const absl::string_view versions = row.versions.empty() ? kFamilies : row.versions;
    for (const absl::string_view version : absl::StrSplit(versions, ',')) {
      EXPECT_EQ(AnswerOf(version, row.input, quirks), row.otherwise)
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
