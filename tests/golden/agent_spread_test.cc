// The line that waits: many routers that are told to join in the same second.
#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <random>
#include <set>

#include "absl/strings/str_format.h"
#include "routeros/script/agent.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kSpread = absl::Minutes(30);

std::string SpreadLine() {
  return routeros::RenderBootstrapLine({FakeEdge::kUrl, kRootSha256, FakeEdge::kClaim, kSpread})
      .value_or("");
}

std::string Mac(uint32_t number) {
  return absl::StrFormat("48:8F:5A:%02X:%02X:%02X", (number >> 16) & 255, (number >> 8) & 255,
                         number & 255);
}

class AgentSpreadTest : public AgentTestBase {};

INSTANTIATE_TEST_SUITE_P(Versions, AgentSpreadTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentSpreadTest, ReturnsAtOnceAndJoinsLater) {
  world_.options.mac = "48:8F:5A:01:00:10";  // 16 * 513 % 1789 = 1052
  const simulator::RunResult pasted = router().Run(SpreadLine());
  EXPECT_TRUE(pasted.ok) << pasted.error;
  EXPECT_THAT(pasted.output, HasSubstr("joins within 30m"));
  EXPECT_LT(router().now(), absl::Seconds(5));
  router().RunUntil(absl::Seconds(1047));
  EXPECT_EQ(edge().attempts, 0);
  router().RunUntil(absl::Seconds(1110));
  EXPECT_EQ(edge().enrolments.size(), 1u) << world_.Errors();
  EXPECT_GE(edge().beats.size(), 1u);
  EXPECT_EQ(world_.Errors(), "");
  EXPECT_EQ(world_.Certificates(), 1u);
  EXPECT_FALSE(world_.HasRow("/file", "name", "mu.rsc"));
  EXPECT_FALSE(world_.HasRow("/file", "name", "mu.pem"));
}

TEST_P(AgentSpreadTest, MayBeRunTwice) {
  router().Run(SpreadLine());
  router().RunFor(absl::Seconds(40));
  router().Run(SpreadLine());
  router().RunFor(kSpread + absl::Minutes(2));
  ASSERT_EQ(edge().enrolments.size(), 2u) << world_.Errors();
  EXPECT_THAT(edge().enrolments[1].token, HasSubstr("m1."));
  EXPECT_EQ(world_.Certificates(), 1u);
  edge().beats.clear();
  router().RunFor(absl::Seconds(95));
  EXPECT_LE(edge().beats.size(), 4u) << "one scheduler entry, not two";
  EXPECT_EQ(world_.Errors(), "");
}

// The first port's address ends in 00:01: this router's turn comes after 513 s.
TEST_P(AgentSpreadTest, WaitsForAnUplinkOnceItsTurnHasCome) {
  edge().away = true;
  router().Run(SpreadLine());
  router().RunUntil(absl::Seconds(510));
  EXPECT_EQ(edge().attempts, 0);
  router().RunFor(absl::Minutes(5));
  EXPECT_GT(edge().attempts, 30);
  edge().away = false;
  router().RunFor(absl::Minutes(1));
  EXPECT_EQ(edge().enrolments.size(), 1u) << world_.Errors();
}

TEST_P(AgentSpreadTest, StartsAtOnceWithoutAnEthernetPort) {
  router().config().At("/interface/ethernet").rows.clear();
  EXPECT_TRUE(router().Run(SpreadLine()).ok);
  router().RunFor(absl::Seconds(30));
  EXPECT_EQ(edge().enrolments.size(), 1u) << world_.Errors();
}

// When each of 200 routers asks for something first; `mac_of` gives their addresses.
template <typename MacOf>
std::vector<absl::Duration> Starts(MacOf mac_of) {
  std::vector<absl::Duration> starts;
  const std::vector<std::string> versions = FamilyVersions();
  for (uint32_t i = 0; i < 200; ++i) {
    RouterWithEdge world(versions[i % versions.size()]);
    world.options.mac = Mac(mac_of(i));
    world.options.seed = i + 1;
    std::optional<absl::Duration> first;
    world.watch.on_event = [&first](simulator::Router& router, const simulator::Event& event) {
      if (event.kind == simulator::EventKind::kFetchStarted && !first) first = router.now();
    };
    world.router().Run(SpreadLine());
    while (!first && world.router().now() < 2 * kSpread) world.router().RunFor(absl::Minutes(1));
    world.router().RunFor(absl::Seconds(5));
    EXPECT_EQ(world.edge.enrolments.size(), 1u) << world.options.mac << world.Errors();
    starts.push_back(first.value_or(absl::InfiniteDuration()));
  }
  return starts;
}

int MostWithin(const std::vector<absl::Duration>& starts, absl::Duration slot) {
  std::map<int64_t, int> counts;
  int most = 0;
  for (const absl::Duration start : starts) most = std::max(most, ++counts[start / slot]);
  return most;
}

// One order of boards with five ports: 200 addresses in equal steps.
TEST(AgentFleetSpreadTest, TwoHundredRoutersOfOneBatchStartApart) {
  for (const uint32_t step : {1u, 5u, 16u}) {
    SCOPED_TRACE(step);
    const auto starts = Starts([step](uint32_t i) { return 0x1234 + i * step; });
    EXPECT_LE(*std::max_element(starts.begin(), starts.end()), kSpread);
    // A statement or two may lie between the paste and the wait.
    EXPECT_LE(MostWithin(starts, absl::Seconds(1)), 2);
    // 33 on average.
    EXPECT_LE(MostWithin(starts, absl::Minutes(5)), 50);
  }
}

TEST(AgentFleetSpreadTest, TwoHundredRoutersFromAnywhereFillTheInterval) {
  const uint32_t seed = 20261122;
  std::mt19937 random(seed);
  const auto starts = Starts([&random](uint32_t) { return random() & 0xffffff; });
  EXPECT_LE(*std::max_element(starts.begin(), starts.end()), kSpread);
  // 6.7 a minute on average; 20 would be five standard deviations more.
  EXPECT_LE(MostWithin(starts, absl::Minutes(1)), 20) << "seed " << seed;
  std::set<int64_t> thirds;
  for (const absl::Duration start : starts) thirds.insert(start / (kSpread / 6));
  EXPECT_EQ(thirds.size(), 6u) << "each sixth of the interval has some; seed " << seed;
}

}  // namespace
}  // namespace muster::golden
