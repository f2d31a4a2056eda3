// What the agent lives through on every family: back-off, lost certificates, upgrades, odd routers.
#include <gmock/gmock.h>

#include "routeros/script/agent.h"
#include "routeros/script/quoting.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kFirst = 1'763'805'433'000'000;

class AgentLifeTest : public AgentTestBase {};

INSTANTIATE_TEST_SUITE_P(Versions, AgentLifeTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentLifeTest, KeepsTheLastNumberOverAReboot) {
  Join();
  edge().Queue(kFirst, ":put 1");
  ASSERT_NE(world_.Await(kFirst), nullptr);
  const std::string boot = edge().beats.back().boot;
  router().Reboot(simulator::PowerDown::kClean);
  edge().beats.clear();
  router().RunFor(absl::Seconds(70));
  ASSERT_FALSE(edge().beats.empty()) << world_.Errors();
  EXPECT_EQ(edge().beats.back().last_number, kFirst);
  EXPECT_NE(edge().beats.back().boot, boot);
}

TEST_P(AgentLifeTest, SurvivesNamesOfAnyBytes) {
  Join();
  router().config().Settings("/system/identity").values["name"] =
      simulator::Value::String("a\"b\\c$d\x1b[31m\xcf\xf0\xe8\r\n\x01?");
  router().RunFor(absl::Seconds(65));
  EXPECT_EQ(world_.Errors(), "");
  EXPECT_EQ(edge().beats.back().facts.identity.substr(0, 6), "a\"b\\c$");
}

TEST_P(AgentLifeTest, BacksOffAfterFiveFailures) {
  Join();
  edge().away = true;
  edge().attempts = 0;
  router().RunFor(absl::Seconds(152));
  EXPECT_NEAR(edge().attempts, 5, 1);
  edge().attempts = 0;
  router().RunFor(absl::Minutes(30));
  EXPECT_GE(edge().attempts, 5);
  EXPECT_LE(edge().attempts, 9);
  edge().away = false;
  edge().beats.clear();
  router().RunFor(absl::Seconds(305));
  ASSERT_FALSE(edge().beats.empty());
  EXPECT_GT(edge().beats.front().skipped_beats.value_or(0), 0u);
  EXPECT_GE(edge().beats.size(), 1u);
  edge().beats.clear();
  router().RunFor(absl::Seconds(95));
  EXPECT_GE(edge().beats.size(), 3u) << "back to every 30 s";
}

TEST_P(AgentLifeTest, FetchesTheRootAgainWhenItIsGone) {
  Join();
  ASSERT_TRUE(router().Run("/certificate remove [find]").ok);
  edge().beats.clear();
  router().RunFor(absl::Seconds(65));
  EXPECT_FALSE(edge().beats.empty()) << world_.Errors();
  EXPECT_EQ(world_.Certificates(), 1u);
  EXPECT_TRUE(world_.HasRow("/certificate", "name", "muster-ca"));
  EXPECT_FALSE(world_.HasRow("/file", "name", "muster.pem"));
  ASSERT_TRUE(router().Run("/certificate remove [find]").ok);
  edge().ca_body = absl::StrCat(kRootPem, kForeignPem);
  edge().beats.clear();
  router().RunFor(absl::Minutes(3));
  EXPECT_EQ(world_.Certificates(), 0u) << "two certificates are none";
  EXPECT_TRUE(edge().beats.empty());
}

TEST_P(AgentLifeTest, LivesOnAfterAnUpgrade) {
  Join();
  router().ChangeVersion(*simulator::ParseRouterVersion("7.24"));
  router().RunFor(absl::Seconds(35));
  edge().beats.clear();
  edge().Queue(kFirst, ":put 1");
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  EXPECT_TRUE(edge().beats.back().facts.format_hex);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentLifeTest, KeepsItsTokenOutOfTheExport) {
  Join();
  const std::string text = router().Export("", false);
  if (!world_.options.version.IsV6()) {
    EXPECT_THAT(text, Not(HasSubstr("m1.aaaa")));
  }
  EXPECT_THAT(text, Not(HasSubstr(FakeEdge::kClaim)));
}

TEST_P(AgentLifeTest, WorksWithoutThePppMenu) {
  world_.options.ppp_package = false;
  Join();
  router().RunFor(absl::Seconds(65));
  EXPECT_GE(edge().beats.size(), 2u) << world_.Errors();
  EXPECT_TRUE(world_.HasRow("/system/script", "name", "muster-token"));
  edge().Queue(kFirst, ":put 1");
  ASSERT_NE(world_.Await(kFirst), nullptr) << world_.Errors();
}

TEST_P(AgentLifeTest, WorksOnAVirtualRouter) {
  world_.options.routerboard = false;
  Join();
  router().RunFor(absl::Seconds(65));
  EXPECT_GE(edge().beats.size(), 2u);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentLifeTest, MonitorOnlyBeatsWhereGlobalsAreInvisible) {
  edge().monitor_only = true;
  world_.options.quirks.globals_need_policy = true;
  Join();
  router().RunFor(absl::Minutes(3));
  EXPECT_GE(edge().beats.size(), 5u) << world_.Errors();
  EXPECT_EQ(world_.Errors(), "");
}

// A fetch may hang for ever before 7.15.
TEST_P(AgentLifeTest, EndsARunThatHangs) {
  Join();
  const std::string beat = router().Show("/system/script", "muster-beat", "source");
  ASSERT_TRUE(router()
                  .Run("/system script set muster-beat source=\":global musterBusy; :set "
                       "musterBusy 1; :delay 10h\"; :execute \"/system script run muster-beat\"; "
                       ":delay 1s")
                  .ok);
  ASSERT_TRUE(
      router()
          .Run(absl::StrCat("/system script set muster-beat source=", routeros::QuoteString(beat)))
          .ok);
  edge().beats.clear();
  router().RunFor(absl::Minutes(8));
  EXPECT_TRUE(edge().beats.empty());
  router().RunFor(absl::Minutes(4));
  ASSERT_FALSE(edge().beats.empty()) << world_.Errors();
  EXPECT_GE(edge().beats.front().skipped_beats.value_or(0), 19u);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentLifeTest, DoesNothingWhileAnotherRunGoesOn) {
  Join();
  edge().beats.clear();
  ASSERT_TRUE(router()
                  .Run(":execute \"/system script run muster-beat\"; "
                       ":execute \"/system script run muster-beat\"; :delay 1s")
                  .ok);
  EXPECT_GE(edge().beats.size(), 1u);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentLifeTest, MonitorOnlyTakesTheRunnerAway) {
  Join();
  edge().monitor_only = true;
  EXPECT_TRUE(world_.Join().ok);
  EXPECT_FALSE(world_.HasRow("/system/script", "name", "muster-run"));
  EXPECT_EQ(edge().beats.back().facts.rights, "read,test,ftp,sensitive");
}

TEST_P(AgentLifeTest, MonitorOnlyBeatsAndRunsNothing) {
  edge().monitor_only = true;
  Join();
  edge().Queue(kFirst, "/system note set note=ran");
  router().RunFor(absl::Minutes(3));
  EXPECT_GE(edge().beats.size(), 3u) << world_.Errors();
  EXPECT_TRUE(edge().results.empty());
  EXPECT_FALSE(world_.HasRow("/system/script", "name", "muster-run"));
  EXPECT_FALSE(world_.HasRow("/system/scheduler", "name", "muster-state"));
  EXPECT_EQ(edge().beats.back().facts.rights, "read,test,ftp,sensitive");
  EXPECT_EQ(world_.Errors(), "");
}

}  // namespace
}  // namespace muster::golden
