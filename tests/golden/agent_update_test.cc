// The agent renews itself: trial, take-over, token, root, going back, upgrades of RouterOS.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "routeros/script/agent.h"
#include "tests/golden/agent_fixture.h"
#include "tests/golden/golden_terms.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kFirst = 1'763'805'433'000'000;
constexpr char kNewToken[] = "m1.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

class AgentUpdateTest : public AgentTestBase {
 protected:
  routeros::AgentTerms Offer(uint32_t generation) {
    routeros::AgentTerms terms;
    terms.urls = {FakeEdge::kUrl};
    terms.root_sha256 = kRootSha256;
    terms.generation = generation;
    return terms;
  }
  std::string Reported() { return edge().beats.back().facts.agent_version; }
  void ExpectNoLeftovers() {
    for (const char* name : {"muster-beat-new", "muster-run-new", "muster-swap-new"}) {
      EXPECT_FALSE(world_.HasRow("/system/script", "name", name)) << name;
    }
    EXPECT_FALSE(world_.HasRow("/ppp/secret", "name", "muster-new"));
    EXPECT_FALSE(world_.HasRow("/file", "name", "muster-new.rsc"));
    EXPECT_FALSE(world_.HasRow("/file", "name", "muster-root.txt"));
  }
  void ExpectJobRuns(uint64_t number) {
    edge().Queue(number, ":global musterOut \"ran\"");
    const auto* result = world_.Await(number, absl::Minutes(3));
    ASSERT_NE(result, nullptr) << world_.Errors();
    EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, AgentUpdateTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentUpdateTest, TakesNewTextOverAfterTwoGoodBeats) {
  Join();
  EXPECT_EQ(Reported(), "3");
  edge().offer = Offer(1);
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(Reported(), "3+1") << world_.Errors();
  EXPECT_EQ(edge().agent_fetches, 1);
  EXPECT_TRUE(world_.HasRow("/system/script", "name", "muster-beat-prev"));
  EXPECT_TRUE(world_.HasRow("/system/script", "name", "muster-run-prev"));
  ExpectNoLeftovers();
  ExpectJobRuns(kFirst);
  edge().offer = Offer(2);
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(Reported(), "3+2");
  ExpectJobRuns(kFirst + 1);
  edge().beats.clear();
  router().RunFor(absl::Minutes(5));
  EXPECT_NEAR(edge().beats.size(), 10, 1);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentUpdateTest, BringsATokenThatIsStoredOnlyOnceItWorks) {
  Join();
  const std::string old_token = edge().beat_tokens.back();
  edge().offer = Offer(1);
  edge().offer->token = kNewToken;
  router().RunFor(absl::Minutes(5));
  EXPECT_EQ(Reported(), "3") << "the edge doesn't know the new token";
  EXPECT_EQ(edge().beat_tokens.back(), old_token);
  ExpectNoLeftovers();
  edge().further_tokens = {kNewToken};
  router().RunFor(absl::Hours(2));
  EXPECT_EQ(Reported(), "3+1");
  EXPECT_EQ(edge().beat_tokens.back(), kNewToken);
  ExpectNoLeftovers();
  router().Reboot(simulator::PowerDown::kClean);
  router().RunFor(absl::Minutes(1));
  EXPECT_EQ(edge().beat_tokens.back(), kNewToken);
  ExpectJobRuns(kFirst);
}

TEST_P(AgentUpdateTest, BringsATokenWithoutThePppMenuToo) {
  world_.options.ppp_package = false;
  Join();
  edge().further_tokens = {kNewToken};
  edge().offer = Offer(1);
  edge().offer->token = kNewToken;
  router().RunFor(absl::Minutes(3));
  EXPECT_EQ(Reported(), "3+1") << world_.Errors();
  EXPECT_EQ(edge().beat_tokens.back(), kNewToken);
  EXPECT_FALSE(world_.HasRow("/system/script", "name", "muster-new-token"));
}

TEST_P(AgentUpdateTest, BringsUrlsProfileAndDnsEntry) {
  Join();
  edge().offer = Offer(1);
  edge().offer->urls = {"https://second.example.net", FakeEdge::kUrl};
  edge().offer->profile = routeros::Profile::kSlow;
  edge().offer->dns_address = "192.0.2.10";
  router().RunFor(absl::Minutes(3));
  EXPECT_EQ(Reported(), "3+1") << world_.Errors();
  EXPECT_EQ(edge().beat_hosts.back(), "second.example.net");
  EXPECT_TRUE(world_.HasRow("/ip/dns/static", "name", "second.example.net"));
  edge().beats.clear();
  router().RunFor(absl::Minutes(10));
  EXPECT_NEAR(edge().beats.size(), 10, 1);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentUpdateTest, PinsANewRootBesideTheOldOne) {
  Join();
  edge().offer = Offer(1);
  edge().offer->new_root_pem = kForeignPem;
  edge().offer->new_root_sha256 = kForeignSha256;
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(Reported(), "3+1") << world_.Errors();
  EXPECT_EQ(world_.Certificates(), 2u);
  EXPECT_TRUE(world_.HasRow("/certificate", "fingerprint", kForeignSha256));
  edge().offer = Offer(2);
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(Reported(), "3+2");
  EXPECT_EQ(world_.Certificates(), 1u) << "what no text pins any more is taken away";
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentUpdateTest, SaysWhichRootsItHoldsAndTakesRootAfterRoot) {
  const std::string own = std::string(kRootSha256).substr(0, 8);
  const std::string other = std::string(kForeignSha256).substr(0, 8);
  Join();
  EXPECT_EQ(edge().beats.back().facts.router_roots, own);
  edge().offer = Offer(1);
  edge().offer->new_root_pem = kForeignPem;
  edge().offer->new_root_sha256 = kForeignSha256;
  router().RunFor(absl::Minutes(2));
  ASSERT_EQ(Reported(), "3+1") << world_.Errors();
  EXPECT_EQ(edge().beats.back().facts.router_roots, absl::StrCat(other, ",", own));
  EXPECT_TRUE(world_.HasRow("/certificate", "name", absl::StrCat("muster-ca-", other)));
  // The new one takes over, and the next one is staged beside it.
  edge().ca_body = kForeignPem;
  edge().shown_root = kForeignPem;
  edge().offer = Offer(2);
  edge().offer->root_sha256 = kForeignSha256;
  router().RunFor(absl::Minutes(2));
  ASSERT_EQ(Reported(), "3+2") << world_.Errors();
  EXPECT_EQ(edge().beats.back().facts.router_roots, other);
  EXPECT_EQ(world_.Certificates(), 1u);
  edge().offer = Offer(3);
  edge().offer->root_sha256 = kForeignSha256;
  edge().offer->new_root_pem = kOwnersPem;
  edge().offer->new_root_sha256 = kOwnersSha256;
  router().RunFor(absl::Minutes(2));
  ASSERT_EQ(Reported(), "3+3") << world_.Errors();
  EXPECT_EQ(world_.Certificates(), 2u);
  // The one that the edge shows is lost: it is fetched again, though the other is there.
  ASSERT_TRUE(router().Run(absl::StrCat("/certificate remove muster-ca-", other)).ok);
  edge().beats.clear();
  router().RunFor(absl::Seconds(70));
  EXPECT_EQ(world_.Certificates(), 2u);
  ASSERT_FALSE(edge().beats.empty()) << world_.Errors();
}

TEST_P(AgentUpdateTest, ImportsNoRootButTheOneThatIsNamed) {
  Join();
  edge().offer = Offer(1);
  edge().offer->new_root_sha256 = kForeignSha256;
  for (const std::string& pem : {absl::StrCat(kForeignPem, kOwnersPem), std::string(kOwnersPem),
                                 std::string(kForeignPem).substr(0, 200)}) {
    edge().offer->new_root_pem = pem;
    ASSERT_TRUE(router().Run(":global musterHold 0").ok);
    router().RunFor(absl::Minutes(4));
    EXPECT_EQ(Reported(), "3");
    EXPECT_EQ(world_.Certificates(), 1u);
    ExpectNoLeftovers();
  }
}

TEST_P(AgentUpdateTest, TakesNoTextThatIsCutOrDoesntFit) {
  Join();
  const struct {
    const char* name;
    std::function<std::string(std::string)> change;
  } cases[] = {
      {"half", [](std::string text) { return text.substr(0, text.size() / 2); }},
      {"last byte", [](std::string text) { return text.substr(0, text.size() - 4); }},
      {"empty", [](std::string) { return std::string("\n"); }},
      {"a page", [](std::string) { return std::string("<html>Log in</html>"); }},
      {"a letter less in the beat",
       [](std::string t) {
         return absl::StrReplaceAll(t, {{"musterStuck", "musterStuc"}});
       }},
      {"a beat that doesn't load",
       [](std::string t) {
         return absl::StrReplaceAll(t, {{"/system clock get", "/system cl0ck get"}});
       }},
      {"a beat that posts nowhere",
       [](std::string t) {
         return absl::StrReplaceAll(t, {{"/v1/heartbeat", "/v1/heartbeax"}});
       }},
  };
  uint32_t generation = 0;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    edge().offer = Offer(++generation);
    edge().change_agent = c.change;
    const int fetches = edge().agent_fetches;
    ASSERT_TRUE(router().Run(":global musterHold 0").ok);
    router().RunFor(absl::Minutes(6));
    EXPECT_EQ(edge().agent_fetches, fetches + 1) << "left alone for an hour";
    EXPECT_EQ(Reported(), "3");
    ExpectNoLeftovers();
  }
  edge().beats.clear();
  edge().problems.clear();
  edge().change_agent = nullptr;
  router().RunFor(absl::Hours(2));
  EXPECT_EQ(Reported(), absl::StrCat("3+", generation));
  EXPECT_NEAR(edge().beats.size(), 240, 12) << "it never stopped beating";
}

TEST_P(AgentUpdateTest, GoesBackWhereTheNewTextFallsSilent) {
  Join();
  edge().offer = Offer(1);
  router().RunFor(absl::Minutes(2));
  ASSERT_EQ(Reported(), "3+1") << world_.Errors();
  edge().offer.reset();
  ASSERT_TRUE(router().Run("/ip route add gateway=192.0.2.1").ok);
  ASSERT_TRUE(router().Run("/system script set muster-beat source=\":put nothing\"").ok);
  edge().beats.clear();
  router().RunFor(absl::Minutes(35));
  ASSERT_FALSE(edge().beats.empty()) << "the guard brings the agent before back";
  EXPECT_EQ(Reported(), "3");
  ExpectJobRuns(kFirst);
  edge().offer = Offer(2);
  ASSERT_TRUE(router().Run(":global musterHold 0").ok);
  router().RunFor(absl::Minutes(3));
  EXPECT_EQ(Reported(), "3+2") << world_.Errors();
}

TEST_P(AgentUpdateTest, GoesBackWhereOnlyIpv6LeadsOut) {
  for (const char* gateway : {"fe80::1%ether1", "2001:db8::1", "pppoe-out1"}) {
    SCOPED_TRACE(gateway);
    RouterWithEdge world(GetParam());
    ASSERT_TRUE(world.Join().ok);
    world.edge.offer = Offer(1);
    world.router().RunFor(absl::Minutes(2));
    ASSERT_EQ(world.edge.beats.back().facts.agent_version, "3+1") << world.Errors();
    world.edge.offer.reset();
    ASSERT_TRUE(world.router().Run("/system script set muster-beat source=\":put nothing\"").ok);
    world.edge.beats.clear();
    world.router().RunFor(absl::Minutes(35));
    ASSERT_TRUE(world.edge.beats.empty()) << "without any gateway it waits";
    ASSERT_TRUE(world.router().Run(absl::StrCat("/ipv6 route add gateway=\"", gateway, "\"")).ok);
    world.router().RunFor(absl::Minutes(25));
    ASSERT_FALSE(world.edge.beats.empty()) << world.Errors();
    EXPECT_EQ(world.edge.beats.back().facts.agent_version, "3");
  }
}

TEST_P(AgentUpdateTest, ComesBackAfterALongOutageOfTheEdges) {
  Join();
  edge().offer = Offer(1);
  router().RunFor(absl::Minutes(2));
  ASSERT_EQ(Reported(), "3+1");
  ASSERT_TRUE(router().Run("/ip route add gateway=192.0.2.1").ok);
  edge().away = true;
  router().RunFor(absl::Hours(5));
  edge().away = false;
  edge().beats.clear();
  router().RunFor(absl::Minutes(10));
  EXPECT_GE(edge().beats.size(), 3u);
  router().RunFor(absl::Hours(2));
  EXPECT_EQ(Reported(), "3+1") << world_.Errors();
}

TEST_P(AgentUpdateTest, BringsABeatBackThatSomebodyDeleted) {
  Join();
  edge().offer = Offer(1);
  router().RunFor(absl::Minutes(2));
  ASSERT_TRUE(router().Run("/system script remove muster-beat").ok);
  edge().beats.clear();
  router().RunFor(absl::Minutes(12));
  EXPECT_FALSE(edge().beats.empty());
}

// Wherever the power fails on the way, the router beats and ends up with the new text.
TEST_P(AgentUpdateTest, SurvivesAPowerCutAtAnyStepOfTheTakeOver) {
  for (int step = 1; step < 60; ++step) {
    SCOPED_TRACE(step);
    RouterWithEdge world(GetParam());
    ASSERT_TRUE(world.Join().ok);
    world.edge.further_tokens = {kNewToken};
    world.edge.offer = Offer(1);
    world.edge.offer->token = kNewToken;
    int changes = 0;
    bool cut = false;
    world.watch.on_event = [&](simulator::Router& router, const simulator::Event& event) {
      const bool change = event.kind == simulator::EventKind::kRowAdded ||
                          event.kind == simulator::EventKind::kRowChanged ||
                          event.kind == simulator::EventKind::kRowRemoved;
      if (change && !cut && ++changes == step) {
        cut = true;
        router.RequestReboot(simulator::PowerDown::kPowerLoss);
      }
    };
    world.router().RunFor(absl::Minutes(6));
    ASSERT_FALSE(world.edge.beats.empty());
    EXPECT_EQ(world.edge.beats.back().facts.agent_version, "3+1") << world.Errors();
    EXPECT_EQ(world.edge.beat_tokens.back(), kNewToken);
    if (!cut) break;
  }
}

// All pairs, there and back: this version to each other and from each other to this.
TEST_P(AgentUpdateTest, LivesOnThroughEveryUpgradeAndDowngrade) {
  Join();
  uint64_t number = kFirst;
  uint32_t generation = 0;
  for (const std::string& version : FamilyVersions()) {
    for (const std::string& next : {version, GetParam()}) {
      SCOPED_TRACE(next);
      router().ChangeVersion(*simulator::ParseRouterVersion(next));
      edge().beats.clear();
      router().RunFor(absl::Seconds(70));
      ASSERT_FALSE(edge().beats.empty()) << world_.Errors();
      EXPECT_EQ(edge().beats.back().facts.format_hex,
                simulator::ParseRouterVersion(next)->AtLeast(7, 11));
      ExpectJobRuns(++number);
      edge().offer = Offer(++generation);
      router().RunFor(absl::Minutes(3));
      EXPECT_EQ(Reported(), absl::StrCat("3+", generation)) << world_.Errors();
      edge().offer.reset();
    }
  }
  EXPECT_EQ(edge().problems, std::vector<std::string>{});
}

// All pairs again, each in the middle of a renewal: the new text is staged, and its first beat was
// good.
TEST_P(AgentUpdateTest, SurvivesAChangeOfVersionInTheMiddleOfARenewal) {
  for (const std::string& next : FamilyVersions()) {
    if (next == GetParam()) continue;
    SCOPED_TRACE(next);
    RouterWithEdge world(GetParam());
    ASSERT_TRUE(world.Join().ok);
    world.edge.further_tokens = {kNewToken};
    world.edge.offer = Offer(1);
    world.edge.offer->token = kNewToken;
    const auto trials = [&] {
      return std::count(world.edge.beat_tokens.begin(), world.edge.beat_tokens.end(), kNewToken);
    };
    for (int second = 0; second < 120 && trials() == 0; ++second) {
      world.router().RunFor(absl::Seconds(1));
    }
    ASSERT_EQ(trials(), 1) << "one good beat of the new text";
    ASSERT_TRUE(world.HasRow("/system/script", "name", "muster-beat-new"));
    world.router().ChangeVersion(*simulator::ParseRouterVersion(next));
    world.edge.beats.clear();
    world.router().RunFor(absl::Seconds(70));
    ASSERT_FALSE(world.edge.beats.empty()) << world.Errors();
    world.router().RunFor(absl::Minutes(5));
    EXPECT_EQ(world.edge.beats.back().facts.agent_version, "3+1") << world.Errors();
    EXPECT_EQ(world.edge.beat_tokens.back(), kNewToken);
    for (const char* name : {"muster-beat-new", "muster-run-new", "muster-swap-new"}) {
      EXPECT_FALSE(world.HasRow("/system/script", "name", name)) << name;
    }
  }
}

// What routers of the release before run: its installers as they were.
std::string InstallerOfAgent2(absl::string_view version) {
  for (const FamilySample& sample : FamilySamples()) {
    if (routeros::FamilyOf(*routeros::ParseVersion(version)).value() != sample.family) continue;
    const char* source = std::getenv("MUSTER_SOURCE_DIR");
    std::ifstream file(absl::StrCat(source == nullptr ? "." : source,
                                    "/tests/golden/released/agent-2/install-", sample.file,
                                    ".rsc"));
    std::stringstream text;
    text << file.rdbuf();
    return absl::StrReplaceAll(text.str(), {{GoldenTerms().root_sha256, kRootSha256}});
  }
  return "";
}

TEST_P(AgentUpdateTest, ARouterOfAgent2WorksAndIsRenewed) {
  const std::string installer = InstallerOfAgent2(GetParam());
  ASSERT_THAT(installer, HasSubstr("Muster agent 2 for RouterOS"));
  edge().change_installer = [&](std::string) { return installer; };
  Join();
  EXPECT_EQ(Reported(), "2");
  EXPECT_EQ(edge().beats.back().facts.router_roots, "") << "it doesn't say";
  ExpectJobRuns(kFirst);
  edge().offer = Offer(0);
  edge().offer->new_root_pem = kForeignPem;
  edge().offer->new_root_sha256 = kForeignSha256;
  router().RunFor(absl::Minutes(3));
  EXPECT_EQ(Reported(), "3") << world_.Errors();
  EXPECT_EQ(edge().beats.back().facts.router_roots,
            absl::StrCat(std::string(kForeignSha256).substr(0, 8), ",",
                         std::string(kRootSha256).substr(0, 8)));
  ExpectNoLeftovers();
  ExpectJobRuns(kFirst + 1);
  // Should the new text fall silent, the one of the release before takes its place.
  edge().offer.reset();
  ASSERT_TRUE(router().Run("/ip route add gateway=192.0.2.1").ok);
  ASSERT_TRUE(router().Run("/system script set muster-beat source=\":put nothing\"").ok);
  edge().beats.clear();
  router().RunFor(absl::Minutes(35));
  ASSERT_FALSE(edge().beats.empty()) << world_.Errors();
  EXPECT_EQ(Reported(), "2");
}

}  // namespace
}  // namespace muster::golden
