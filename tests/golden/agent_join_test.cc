// The agent's text, executed on every border version: join, beat, and a job of each kind.
#include <gmock/gmock.h>

#include "routeros/script/agent.h"
#include "routeros/script/quoting.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kFirst = 1'763'805'433'000'000;

class AgentJoinTest : public AgentTestBase {};

INSTANTIATE_TEST_SUITE_P(Versions, AgentJoinTest, testing::ValuesIn(AgentVersions()),
                         VersionTestName);

TEST_P(AgentJoinTest, JoinsAndBeatsWithoutAnError) {
  Join();
  EXPECT_EQ(edge().beats.size(), 1u) << "the installer beats once";
  router().RunFor(absl::Seconds(125));
  EXPECT_GE(edge().beats.size(), 4u);
  EXPECT_LE(edge().beats.size(), 6u);
  EXPECT_EQ(world_.Errors(), "");
  EXPECT_FALSE(world_.HasRow("/file", "name", "mu.rsc"));
  EXPECT_FALSE(world_.HasRow("/file", "name", "mu.pem"));
  EXPECT_TRUE(world_.HasRow("/certificate", "name", "muster-ca"));
  EXPECT_TRUE(world_.HasRow("/system/script", "name", "muster-run"));
  EXPECT_TRUE(world_.HasRow("/system/scheduler", "name", "muster-state"));
  EXPECT_FALSE(world_.HasRow("/system/script", "name", "muster-test"));
}

TEST_P(AgentJoinTest, ReportsWhatTheRouterIs) {
  Join();
  router().RunFor(absl::Seconds(65));
  ASSERT_FALSE(edge().beats.empty());
  const routeros::Heartbeat& beat = edge().beats.back();
  EXPECT_TRUE(beat.has_facts);
  EXPECT_EQ(beat.counts.text_repaired, 0u);
  EXPECT_EQ(beat.counts.numbers_dropped, 0u) << edge().beat_bodies.back();
  EXPECT_THAT(beat.facts.routeros_version, HasSubstr(GetParam()));
  EXPECT_EQ(beat.facts.serial_number, world_.options.serial);
  EXPECT_EQ(beat.facts.identity, "MikroTik");
  EXPECT_EQ(beat.facts.mac_address.size(), 6u);
  EXPECT_EQ(beat.facts.agent_version, routeros::AgentVersion());
  EXPECT_TRUE(beat.facts.format_escaped);
  EXPECT_EQ(beat.facts.format_hex, world_.options.version.AtLeast(7, 11));
  EXPECT_FALSE(beat.boot.empty());
  EXPECT_TRUE(beat.uptime_seconds.has_value());
  EXPECT_TRUE(beat.cpu_load_percent.has_value());
  EXPECT_TRUE(beat.cpu_count.has_value());
  EXPECT_TRUE(beat.cpu_frequency_mhz.has_value());
  EXPECT_TRUE(beat.memory_free_bytes.has_value());
  EXPECT_TRUE(beat.memory_total_bytes.has_value());
  EXPECT_TRUE(beat.disk_free_bytes.has_value());
  EXPECT_TRUE(beat.disk_total_bytes.has_value());
  EXPECT_FALSE(beat.health.empty()) << edge().beat_bodies.back();
  for (const routeros::HealthRow& row : beat.health) {
    if (row.sensor == "temperature") {
      EXPECT_EQ(row.unit, "C");
    }
    if (row.sensor == "voltage") {
      EXPECT_EQ(row.unit, "V");
      EXPECT_EQ(row.value_milli, 24100) << edge().beat_bodies.back();
    }
  }
  EXPECT_EQ(beat.boot, edge().beats.front().boot);
  EXPECT_EQ(beat.links.size(), world_.options.version.AtLeast(7, 4) ? 1u : 0u);
  EXPECT_EQ(edge().enrolments[0].facts.identity, "MikroTik");
  EXPECT_LT(edge().beat_bodies.back().size(), 1500u);
}

TEST_P(AgentJoinTest, RunsAJobAndReportsWithinOneBeat) {
  Join();
  edge().Queue(kFirst, "/system note set note=\"by Muster\"\n:put \"hello \\\"world\\\"\"");
  const auto* result = world_.Await(kFirst, absl::Seconds(45));
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  EXPECT_EQ(router().Show("/system/note", "", "note"), "by Muster");
  if (ReturnsOutput()) {
    EXPECT_THAT(result->output, HasSubstr("hello \"world\""));
  } else {
    EXPECT_EQ(result->output, "");
  }
  router().RunFor(absl::Seconds(1));
  EXPECT_EQ(edge().beats.back().last_number, kFirst);
  EXPECT_EQ(edge().beats.back().running_number, 0u);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentJoinTest, ReportsARuntimeErrorAsFailedInPhaseRun) {
  Join();
  edge().Queue(kFirst,
               ":put before\n/interface set [find where name=\"no-such\"] comment=x\n"
               ":error \"it went wrong\"\n:put after");
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kFailed);
  EXPECT_EQ(result->phase, "run");
  if (ReturnsOutput()) {
    EXPECT_THAT(absl::StrCat(result->error, result->output), HasSubstr("it went wrong"));
    EXPECT_THAT(result->output, Not(HasSubstr("after")));
  }
  EXPECT_EQ(edge().problems, std::vector<std::string>{});
}

TEST_P(AgentJoinTest, ReportsASyntaxErrorAsFailedInPhaseParse) {
  Join();
  edge().Queue(kFirst, "/ip address add address=10.9.9.1/24 interface=ether1\n/ip adress prnt");
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kFailed);
  EXPECT_EQ(result->phase, "parse");
  EXPECT_FALSE(world_.HasRow("/ip/address", "address", "10.9.9.1/24")) << "nothing of it ran";
  if (ReturnsOutput()) {
    EXPECT_NE(result->error, "");
  }
}

}  // namespace
}  // namespace muster::golden
