// A whole simulated day of a router that nobody answers: how much it writes into its log.
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

constexpr int kMostLinesADay = 300;

class AgentDayTest : public AgentTestBase {
 protected:
  // Lines that the router logs within a day from now.
  int LinesOfADay() {
    const absl::Time begin = router().WallClock();
    int lines = 0;
    absl::Time counted = begin;
    // The log keeps 1,000 lines, as a router does: it is read every hour.
    for (int hour = 0; hour < 24; ++hour) {
      router().RunFor(absl::Hours(1));
      for (const simulator::LogLine& line : router().log()) lines += line.time > counted ? 1 : 0;
      counted = router().WallClock();
    }
    return lines;
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, AgentDayTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentDayTest, ADeletedOrRevokedRouterWritesLittleIntoItsLog) {
  Join();
  edge().revoked = true;
  edge().attempts = 0;
  const int lines = LinesOfADay();
  RecordProperty("log_lines", lines);
  EXPECT_GT(edge().attempts, 100) << "it gave up";
  EXPECT_GT(lines, 100) << "the simulator logs no failed fetch";
  EXPECT_LT(lines, kMostLinesADay);
  edge().revoked = false;
  edge().beats.clear();
  router().RunFor(absl::Minutes(6));
  EXPECT_FALSE(edge().beats.empty()) << "it comes back when it is let in again";
}

TEST_P(AgentDayTest, ARouterWithoutAnEdgeWritesLittleIntoItsLog) {
  Join();
  edge().away = true;
  EXPECT_LT(LinesOfADay(), kMostLinesADay);
}

}  // namespace
}  // namespace muster::golden
