// The script of the behaviour table, run by simulated routers as a real one would run it.
#include "tests/real-router/behaviour_script.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/router_simulator/behaviour_runner.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/quirk_names.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

std::string RunTable(absl::string_view version, const Quirks& quirks) {
  RouterOptions options;
  options.version = *ParseRouterVersion(version);
  options.quirks = quirks;
  options.transport = &BehaviourServer();
  Router router(std::move(options));
  const auto script = BehaviourScript(version, "http://files.test");
  if (!script.ok()) return std::string(script.status().message());
  WriteFile(router, "mu-table.rsc", *script, "script");
  const RunResult result = router.Run("/import file-name=mu-table.rsc", absl::Hours(24));
  return absl::StrCat(result.output, result.error);
}

class TableOnRouterTest : public testing::TestWithParam<const char*> {};

TEST_P(TableOnRouterTest, PrintsThatEveryRowIsAsTheTableSays) {
  const std::string output = RunTable(GetParam(), Quirks());
  EXPECT_NE(output.find(" 0 differ"), std::string::npos) << output;
  EXPECT_EQ(output.find("DIFFERS"), std::string::npos) << output;
  int expected = 0;
  for (const Behaviour& row : BehaviourTable()) {
    expected += Applies(row, GetParam()) && row.act.empty();
  }
  EXPECT_GT(expected, 85);
  EXPECT_NE(output.find(absl::StrCat("muster: ", expected, " rows")), std::string::npos) << output;
}

TEST_P(TableOnRouterTest, NamesARowThatTheRouterDoesOtherwise) {
  Quirks quirks;
  ASSERT_TRUE(FlipQuirk("nothing-equals-empty", &quirks));
  const std::string output = RunTable(GetParam(), quirks);
  EXPECT_NE(output.find("DIFFERS: the table says 'false', the router 'true': nothing against"),
            std::string::npos)
      << output;
  EXPECT_NE(output.find(" 1 differ"), std::string::npos) << output;
}

INSTANTIATE_TEST_SUITE_P(Versions, TableOnRouterTest,
                         testing::Values("6.49.10", "7.1", "7.8", "7.10.2", "7.12.2", "7.15.3",
                                         "7.20.8"));

TEST(BehaviourScriptTest, TakesTheRowsOfTheVersion) {
  Behaviour row{};
  row.versions = "6.49.10,7.1,7.3,<7.4";
  EXPECT_TRUE(Applies(row, "7.3.1"));
  EXPECT_FALSE(Applies(row, "7.4"));
  EXPECT_FALSE(Applies(row, "7.12.2"));
  EXPECT_TRUE(Applies(row, "6.49.18"));
  row.versions = "";
  EXPECT_TRUE(Applies(row, "7.24"));
  EXPECT_FALSE(BehaviourScript("seven", "http://x").ok());
}

}  // namespace
}  // namespace muster::simulator
