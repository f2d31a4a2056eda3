// The pasted line on every family: the rule of one certificate, claims, nonces, what is missing.
#include <gmock/gmock.h>

#include "routeros/script/agent.h"
#include "tests/golden/agent_fixture.h"
#include "tests/router_simulator/quirk_names.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

class AgentBootstrapTest : public AgentTestBase {
 protected:
  void ExpectNothingInstalled() {
    EXPECT_FALSE(world_.HasRow("/system/script", "name", "muster-beat"));
    EXPECT_FALSE(world_.HasRow("/system/script", "name", "muster-test"));
    EXPECT_FALSE(world_.HasRow("/system/scheduler", "name", "muster-beat"));
    EXPECT_FALSE(world_.HasRow("/file", "name", "mu.rsc"));
    EXPECT_FALSE(world_.HasRow("/file", "name", "mu.pem"));
  }
  void AddOwnersCertificate() {
    const std::string ours = edge().ca_body;
    edge().ca_body = kOwnersPem;
    ASSERT_TRUE(router()
                    .Run(absl::StrCat("/tool fetch url=\"", FakeEdge::kUrl,
                                      "/ca.pem\" dst-path=own.pem\n:delay 1s\n/certificate import "
                                      "file-name=own.pem passphrase=\"\""))
                    .ok);
    edge().ca_body = ours;
    edge().ca_fetches = 0;
    ASSERT_EQ(world_.Certificates(), 1u);
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, AgentBootstrapTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentBootstrapTest, TrustsNothingButExactlyThePinnedRoot) {
  const struct {
    const char* name;
    std::string served;
  } cases[] = {
      {"two certificates", absl::StrCat(kRootPem, kForeignPem)},
      {"two the other way round", absl::StrCat(kForeignPem, kRootPem)},
      {"a wrong one", kForeignPem},
      {"none", "no certificate here\n"},
      {"half of one", std::string(kRootPem).substr(0, 300)},
      {"a page", "<html><body>Log in</body></html>"},
  };
  AddOwnersCertificate();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    edge().ca_body = c.served;
    EXPECT_FALSE(world_.Join().ok);
    EXPECT_EQ(world_.Certificates(), 1u) << "only the owner's certificate stays";
    EXPECT_TRUE(edge().enrolments.empty());
    ExpectNothingInstalled();
  }
}

TEST_P(AgentBootstrapTest, TakesTheSameRootTwiceAsOne) {
  edge().ca_body = absl::StrCat(kRootPem, kRootPem);
  Join();
  EXPECT_EQ(world_.Certificates(), 1u);
}

TEST_P(AgentBootstrapTest, FetchesNoRootThatIsThereAlready) {
  AddOwnersCertificate();
  Join();
  EXPECT_EQ(edge().ca_fetches, 1);
  edge().ca_body = kForeignPem;
  EXPECT_TRUE(world_.Join().ok);
  EXPECT_EQ(edge().ca_fetches, 1);
  EXPECT_EQ(world_.Certificates(), 2u);
  EXPECT_EQ(edge().enrolments.size(), 2u);
}

TEST_P(AgentBootstrapTest, KeepsItsTokenWhenTheLineIsPastedAgain) {
  Join();
  EXPECT_TRUE(edge().enrolments[0].token.empty());
  router().RunFor(absl::Minutes(1));
  ASSERT_TRUE(world_.Join().ok);
  ASSERT_EQ(edge().enrolments.size(), 2u) << world_.Errors();
  EXPECT_THAT(edge().enrolments[1].token, HasSubstr("m1.aaa"));
  edge().beats.clear();
  router().RunFor(absl::Seconds(95));
  EXPECT_GE(edge().beats.size(), 3u);
  EXPECT_LE(edge().beats.size(), 4u) << "one scheduler entry, not two";
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentBootstrapTest, AsksAgainWithTheSameNonceWhenTheReplyIsLost) {
  edge().lose_enrolment_replies = 2;
  EXPECT_TRUE(world_.Join().ok);
  ASSERT_EQ(edge().enrolments.size(), 3u) << world_.Errors();
  EXPECT_EQ(edge().enrolments[0].nonce, edge().enrolments[2].nonce);
  EXPECT_EQ(edge().enrolments[0].nonce.size(), 32u);
  EXPECT_FALSE(edge().beats.empty());
}

TEST_P(AgentBootstrapTest, KeepsTheNonceUntilItHasAToken) {
  edge().enrolment_word = "claim-expired";
  const simulator::RunResult first = world_.Join();
  EXPECT_THAT(first.output, HasSubstr("claim-expired"));
  EXPECT_FALSE(world_.HasRow("/system/scheduler", "name", "muster-beat"));
  edge().enrolment_word.clear();
  router().Reboot(simulator::PowerDown::kClean);
  router().RunFor(absl::Seconds(60));
  EXPECT_TRUE(edge().beats.empty()) << "no beat without a token";
  EXPECT_TRUE(world_.Join().ok);
  ASSERT_EQ(edge().enrolments.size(), 2u);
  EXPECT_EQ(edge().enrolments[0].nonce, edge().enrolments[1].nonce);
  EXPECT_FALSE(edge().beats.empty());
}

TEST_P(AgentBootstrapTest, WaitsWhileTheControlPlaneIsAway) {
  edge().refuse_enrolments = 6;
  const simulator::RunResult joined = world_.Join();
  EXPECT_TRUE(joined.ok) << joined.error;
  EXPECT_EQ(edge().enrolments.size(), 1u);
  EXPECT_FALSE(edge().beats.empty());
  EXPECT_THAT(joined.output, HasSubstr("trying again"));
}

TEST_P(AgentBootstrapTest, MakesAnotherNonceOnEveryRouter) {
  RouterWithEdge other(GetParam());
  other.options.seed = 2;
  other.options.mac = "48:8F:5A:00:00:02";
  EXPECT_TRUE(world_.Join().ok);
  EXPECT_TRUE(other.Join().ok);
  ASSERT_EQ(edge().enrolments.size(), 1u);
  ASSERT_EQ(other.edge.enrolments.size(), 1u);
  EXPECT_NE(edge().enrolments[0].nonce, other.edge.enrolments[0].nonce);
}

TEST_P(AgentBootstrapTest, NamesMissingPoliciesAndChangesNothing) {
  world_.options.admin_policy =
      simulator::kPolicyAll & ~(simulator::kPolicySniff | simulator::kPolicyReboot);
  const simulator::RunResult joined = world_.Join();
  EXPECT_THAT(joined.output, HasSubstr("policy reboot, policy sniff"));
  EXPECT_THAT(joined.output, Not(HasSubstr("policy write")));
  EXPECT_TRUE(edge().enrolments.empty());
  EXPECT_EQ(world_.Certificates(), 0u);
  ExpectNothingInstalled();
}

// Without some rights the line can't even fetch or import: it then ends with its own error.
TEST_P(AgentBootstrapTest, EachMissingPolicyStopsItAndLeavesNothing) {
  const struct {
    const char* name;
    uint32_t policy;
    bool line_needs_it;
  } cases[] = {
      {"ftp", simulator::kPolicyFtp, world_.options.version.AtLeast(7, 13)},
      {"reboot", simulator::kPolicyReboot, false},
      {"read", simulator::kPolicyRead, true},
      {"write", simulator::kPolicyWrite, true},
      {"policy", simulator::kPolicyPolicy, false},
      {"test", simulator::kPolicyTest, true},
      {"password", simulator::kPolicyPassword, false},
      {"sniff", simulator::kPolicySniff, false},
      {"sensitive", simulator::kPolicySensitive, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    RouterWithEdge world(GetParam());
    world.options.admin_policy = simulator::kPolicyAll & ~c.policy;
    const simulator::RunResult joined = world.Join();
    if (c.line_needs_it) {
      EXPECT_FALSE(joined.ok);
    } else {
      EXPECT_THAT(joined.output, HasSubstr(absl::StrCat("needs policy ", c.name, ",")));
    }
    EXPECT_TRUE(world.edge.enrolments.empty());
    EXPECT_EQ(world.Certificates(), 0u);
    EXPECT_FALSE(world.HasRow("/system/script", "name", "muster-test"));
    EXPECT_FALSE(world.HasRow("/system/script", "name", "muster-beat"));
    EXPECT_FALSE(world.HasRow("/ppp/secret", "name", "muster"));
  }
}

TEST_P(AgentBootstrapTest, StopsWhereDeviceModeForbidsIt) {
  if (!world_.options.version.AtLeast(7, 17)) GTEST_SKIP() << "no factory device-mode";
  world_.options.device_mode_home = true;
  const simulator::RunResult joined = world_.Join();
  EXPECT_FALSE(joined.ok);
  EXPECT_THAT(joined.error, HasSubstr("device-mode"));
  EXPECT_EQ(edge().attempts, 0) << "named at once, not after a long wait";
  EXPECT_EQ(world_.Certificates(), 0u);
  ExpectNothingInstalled();
}

TEST_P(AgentBootstrapTest, NamesMissingSpaceAndLeavesNothing) {
  world_.options.free_disk_bytes = 200'000;
  const simulator::RunResult joined = world_.Join();
  EXPECT_THAT(joined.output, HasSubstr("256 KiB of free disk space"));
  EXPECT_TRUE(edge().enrolments.empty());
  EXPECT_EQ(world_.Certificates(), 0u);
  ExpectNothingInstalled();
}

TEST_P(AgentBootstrapTest, WaitsForAnUplinkThatComesUpLate) {
  edge().away = true;
  router().Paste(edge().Bootstrap());
  router().RunFor(absl::Minutes(6));
  EXPECT_FALSE(router().PasteResult().has_value());
  EXPECT_GE(edge().attempts, 30);
  edge().away = false;
  router().RunFor(absl::Minutes(1));
  ASSERT_TRUE(router().PasteResult().has_value());
  EXPECT_TRUE(router().PasteResult()->ok) << router().PasteResult()->error;
  EXPECT_FALSE(edge().beats.empty());
}

TEST_P(AgentBootstrapTest, TellsSoonThatTheClaimIsRefused) {
  edge().refuse_installers = 1000;
  const absl::Duration before = router().now();
  EXPECT_FALSE(world_.Join().ok);
  EXPECT_LE(router().now() - before, absl::Seconds(15));
  ExpectNothingInstalled();
}

TEST_P(AgentBootstrapTest, TriesACheckedFetchAgainWhileTheRootIsNotUsableYet) {
  edge().refuse_installers = 2;
  const absl::Duration before = router().now();
  EXPECT_TRUE(world_.Join().ok);
  EXPECT_LE(router().now() - before, absl::Seconds(15));
  EXPECT_EQ(edge().ca_fetches, 1);
}

TEST_P(AgentBootstrapTest, StopsWithoutAnEdge) {
  edge().away = true;
  const absl::Duration before = router().now();
  EXPECT_FALSE(world_.Join().ok);
  EXPECT_GE(router().now() - before, absl::Minutes(5));
  EXPECT_LE(router().now() - before, absl::Minutes(10));
  EXPECT_EQ(world_.Certificates(), 0u);
  ExpectNothingInstalled();
}

// The behaviours that nobody has seen on hardware yet, each way.
TEST_P(AgentBootstrapTest, WorksWhicheverWayUnverifiedBehavioursTurnOut) {
  uint64_t number = 1'763'805'433'000'000;
  for (const simulator::NamedQuirk& quirk : simulator::AllQuirks()) {
    SCOPED_TRACE(quirk.name);
    RouterWithEdge world(GetParam());
    ASSERT_TRUE(simulator::FlipQuirk(quirk.name, &world.options.quirks));
    EXPECT_TRUE(world.Join().ok);
    world.router().RunFor(absl::Seconds(95));
    EXPECT_GE(world.edge.beats.size(), 3u) << world.Errors();
    world.edge.Queue(++number, "/system note set note=ran\n:put done");
    const auto* result = world.Await(number);
    ASSERT_NE(result, nullptr) << world.Errors();
    EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
    world.edge.Queue(++number, ":error broken");
    result = world.Await(number);
    ASSERT_NE(result, nullptr) << world.Errors();
    EXPECT_EQ(result->status, routeros::ResultStatus::kFailed);
    EXPECT_EQ(world.edge.problems, std::vector<std::string>{});
    EXPECT_EQ(world.Certificates(), 1u);
  }
}

}  // namespace
}  // namespace muster::golden
