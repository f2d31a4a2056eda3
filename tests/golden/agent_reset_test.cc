// A joined router that is reset with the line as the script that runs afterwards: nothing is left
// of its token, so it enrols as a router that was never here; which device it is, the claim
// decides.
#include <gmock/gmock.h>

#include "routeros/script/agent.h"
#include "tests/golden/agent_fixture.h"
#include "tests/router_simulator/export.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;

class AgentResetTest : public AgentTestBase {
 protected:
  void ResetWith(const std::string& script) {
    ASSERT_TRUE(simulator::WriteFile(router(), "muster.rsc", script + "\n", "script"));
    router().Run(
        "/system reset-configuration no-defaults=yes skip-backup=yes run-after-reset=muster.rsc",
        absl::Seconds(5));
    ASSERT_EQ(router().boots(), 2);
  }
  std::string Log() {
    std::string text;
    for (const auto& line : router().log()) absl::StrAppend(&text, line.message, "\n");
    return text;
  }
  static std::string SpreadLine() {
    return routeros::RenderBootstrapLine(
               {FakeEdge::kUrl, kRootSha256, FakeEdge::kClaim, absl::Minutes(10)})
        .value_or("");
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, AgentResetTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentResetTest, EnrolsAnewAndWorks) {
  Join();
  edge().Queue(7, ":put 1");
  ASSERT_NE(world_.Await(7), nullptr);
  ResetWith(edge().Bootstrap());
  router().RunFor(absl::Seconds(100));
  ASSERT_EQ(edge().enrolments.size(), 2u) << world_.Errors();
  EXPECT_EQ(edge().enrolments[1].token, "");
  EXPECT_NE(edge().enrolments[1].nonce, edge().enrolments[0].nonce);
  EXPECT_EQ(edge().beats.back().last_number, 0u);
  EXPECT_EQ(world_.Certificates(), 1u);
  EXPECT_EQ(world_.Errors(), "");
  edge().Queue(8, ":put 2");
  EXPECT_NE(world_.Await(8), nullptr) << world_.Errors();
}

TEST_P(AgentResetTest, AnUplinkThatComesAfterTwoMinutesIsTooLateForALineInTheForeground) {
  Join();
  edge().away = true;
  ResetWith(edge().Bootstrap());
  router().RunFor(absl::Minutes(3));
  EXPECT_THAT(Log(), HasSubstr("runtime limit exceeded"));
  edge().away = false;
  router().RunFor(absl::Minutes(10));
  EXPECT_EQ(edge().enrolments.size(), 1u);
}

// This router's turn comes after 171 s; the uplink a minute later.
TEST_P(AgentResetTest, ALineThatWaitsInTheBackgroundIsNot) {
  Join();
  edge().away = true;
  ResetWith(SpreadLine());
  router().RunFor(absl::Seconds(240));
  edge().away = false;
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(edge().enrolments.size(), 2u) << Log();
  EXPECT_THAT(Log(), testing::Not(HasSubstr("runtime limit")));
}

}  // namespace
}  // namespace muster::golden
