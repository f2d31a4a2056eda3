#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "edge-proxy/heartbeats/calls.h"
#include "edge-proxy/heartbeats/calls_fixture.h"

namespace muster::edge {
namespace {

constexpr char kClaim[] = "00112233445566778899aabbccddeeff";

class CallsTrustTest : public testing::Test {
 protected:
  CallsFixture edge_;
};

TEST_F(CallsTrustTest, AValidSealWithAWrongSecretHasNoEffectAtAll) {
  edge_.jobs.Put(CallsFixture::NewJob(10));
  const std::string token = edge_.TokenOf(DeviceId{5}, 1, Secret("fedcba9876543210"));
  EXPECT_EQ(edge_.Beat(token, kFullBeat).status, 401);
  EXPECT_EQ(edge_.Ask("POST", "/v1/result", "Bearer " + token, R"({"p":1,"n":1,"st":"ok"})").status,
            401);
  EXPECT_TRUE(edge_.upstream.check_ins().empty());
  EXPECT_TRUE(edge_.upstream.results().empty());
  EXPECT_TRUE(edge_.upstream.events().empty());
  EXPECT_EQ(edge_.metrics.Value(Metrics::kWrongSecrets), 2u);
}

TEST_F(CallsTrustTest, ATokenOfAnotherOrganizationHasNoEffect) {
  edge_.record.organization = OrganizationId{4};
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 401);
}

TEST_F(CallsTrustTest, RevokedAndOldTokensAreRefused) {
  edge_.devices.AddRevocation({DeviceId{5}, 2});
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 401);
  EXPECT_EQ(edge_.Beat(edge_.TokenOf(DeviceId{5}, 2, edge_.secret), kFullBeat).status, 200);
  edge_.devices.SetRevocations({});
  edge_.record.least_epoch = 3;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(edge_.Beat(edge_.TokenOf(DeviceId{5}, 2, edge_.secret), kFullBeat).status, 401);
  // A revocation counts for a device without a record too.
  edge_.devices.AddRevocation({DeviceId{8}, 2});
  EXPECT_EQ(edge_.Beat(edge_.TokenOf(DeviceId{8}, 1, edge_.secret), kFullBeat).status, 401);
  EXPECT_EQ(edge_.metrics.Value(Metrics::kRevokedTokens), 3u);
}

TEST_F(CallsTrustTest, ForgedTokensAreRefused) {
  for (const char* token : {"", "x", "m1.", "m1.AAAA"}) {
    EXPECT_EQ(edge_.Beat(token, kFullBeat).status, 401) << token;
  }
  EXPECT_EQ(edge_.Ask("POST", "/v1/heartbeat", "", kFullBeat).status, 401);
  EXPECT_EQ(edge_.Ask("POST", "/v1/heartbeat", "Basic " + edge_.Token(), kFullBeat).status, 401);
  EXPECT_EQ(edge_.Ask("POST", "/v1/heartbeat", edge_.Token(), kFullBeat).status, 401);
  EXPECT_EQ(edge_.Ask("POST", "/v1/heartbeat", "bearer " + edge_.Token(), kFullBeat).status, 200);
}

TEST_F(CallsTrustTest, ServesNobodyWhenTheControlPlaneHasBeenSilentForTooLong) {
  edge_.clock.Advance(absl::Hours(24));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 200);
  edge_.clock.Advance(absl::Seconds(1));
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 503);
  EXPECT_EQ(edge_.Ask("GET", "/readyz", "", "").status, 503);
  edge_.gate.MarkFresh();
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).status, 200);
}

TEST_F(CallsTrustTest, TheInstallerNeedsAClaimAndAVersion) {
  const std::string claim = absl::StrCat("Claim ", kClaim);
  const auto get = [&](const char* target) { return edge_.Ask("GET", target, claim, ""); };
  EXPECT_EQ(get("/b/7.20.8").text, absl::StrCat("installer ", kClaim));
  EXPECT_EQ(get("/b/5.1").status, 400);
  EXPECT_EQ(get("/b/").status, 400);
  EXPECT_EQ(edge_.Ask("GET", "/b/7.20.8", "", "").status, 401);
  EXPECT_EQ(edge_.Ask("GET", "/b/7.20.8", "Claim xyz", "").status, 401);
  const std::vector<std::pair<ClaimVerdict, int>> verdicts = {{ClaimVerdict::kUnknown, 401},
                                                              {ClaimVerdict::kExpired, 403},
                                                              {ClaimVerdict::kWrongAddress, 403},
                                                              {ClaimVerdict::kUsedUp, 200}};
  for (const auto& [verdict, status] : verdicts) {
    edge_.control_plane.claim_answer = ClaimAnswer{.verdict = verdict};
    EXPECT_EQ(get("/b/7.20.8").status, status);
  }
  edge_.control_plane.claim_answer =
      ClaimAnswer{.verdict = ClaimVerdict::kOk, .monitor_only = true};
  EXPECT_EQ(get("/b/7.20.8").text, absl::StrCat("installer ", kClaim, " monitor"));
  edge_.control_plane.claim_answer = absl::UnavailableError("away");
  EXPECT_EQ(get("/b/7.20.8").status, 503);
  EXPECT_TRUE(get("/b/7.20.8").retry_after_seconds.has_value());
}

TEST_F(CallsTrustTest, AnInstallerIsRenderedForAGoodClaimOnly) {
  const std::string claim = absl::StrCat("Claim ", kClaim);
  edge_.control_plane.claim_answer = ClaimAnswer{.verdict = ClaimVerdict::kUnknown};
  EXPECT_EQ(edge_.Ask("GET", "/b/7.20.8", claim, "").status, 401);
  edge_.control_plane.claim_answer = absl::UnavailableError("away");
  EXPECT_EQ(edge_.Ask("GET", "/b/7.20.8", claim, "").status, 503);
  EXPECT_EQ(edge_.installers, 0);
  edge_.control_plane.claim_answer = ClaimAnswer{.verdict = ClaimVerdict::kOk};
  EXPECT_EQ(edge_.Ask("GET", "/b/7.20.8", claim, "").status, 200);
  EXPECT_EQ(edge_.installers, 1);
}

TEST_F(CallsTrustTest, OnlySoManyClaimsAreAskedAboutAtOnce) {
  edge_.control_plane.keep_waiting = true;
  std::vector<int> statuses;
  const auto ask = [&](absl::string_view address) {
    edge_.enrolments.GiveInstaller("7.20.8", kClaim, address,
                                   [&](const Reply& reply) { statuses.push_back(reply.status); });
  };
  for (int i = 0; i < 136; ++i) ask(std::string(4, '\x0a'));
  EXPECT_EQ(edge_.control_plane.waiting.size(), 128u);
  EXPECT_EQ(statuses, std::vector<int>(8, 429));
  // Of other addresses, up to what the edge asks in all.
  for (char address = 1; address <= 3; ++address) {
    for (int i = 0; i < 128; ++i) ask(std::string(4, address));
  }
  EXPECT_EQ(edge_.control_plane.waiting.size(), 512u);
  ask(std::string(4, '\x0b'));
  EXPECT_EQ(edge_.control_plane.waiting.size(), 512u);
  EXPECT_EQ(statuses.size(), 9u);
  // An answer makes room.
  const auto waiting = std::move(edge_.control_plane.waiting);
  edge_.control_plane.waiting.clear();
  for (const auto& done : waiting) done(ClaimAnswer{.verdict = ClaimVerdict::kOk});
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 200), 512);
  for (int i = 0; i < 136; ++i) ask(std::string(4, '\x0a'));
  EXPECT_EQ(edge_.control_plane.waiting.size(), 128u);
}

TEST_F(CallsTrustTest, EnrolmentGivesATokenAndServesTheDeviceAtOnce) {
  const DeviceRecord record = {.device = DeviceId{77},
                               .organization = OrganizationId{3},
                               .least_epoch = 1,
                               .secret_check = edge_.record.secret_check};
  edge_.control_plane.enrolment_answer =
      EnrolmentAnswer{.verdict = ClaimVerdict::kOk, .token = Secret("m1.token"), .record = record};
  const std::string body = R"({"p":1,"nonce":"0123456789abcdef","id":"new","ver":"7.20.8"})";
  const Reply reply = edge_.Ask("POST", "/v1/enroll", absl::StrCat("Claim ", kClaim), body);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text, "Tm1.token");
  EXPECT_EQ(edge_.control_plane.question_.claim.size(), 16u);
  EXPECT_EQ(edge_.control_plane.enrolment_.facts.identity, "new");
  edge_.jobs.Put({.device = DeviceId{77},
                  .number = 10,
                  .script = "x",
                  .not_before = absl::InfinitePast(),
                  .not_after = absl::InfiniteFuture()});
  EXPECT_EQ(edge_.Beat(edge_.TokenOf(DeviceId{77}, 1, edge_.secret), kFullBeat).text, "J10 x");
}

TEST_F(CallsTrustTest, EnrolmentRefusesWithAWord) {
  const std::string body = R"({"p":1,"nonce":"0123456789abcdef"})";
  const auto post = [&](absl::string_view authorization, absl::string_view text) {
    return edge_.Ask("POST", "/v1/enroll", authorization, text);
  };
  const std::string claim = absl::StrCat("Claim ", kClaim);
  const std::vector<std::pair<ClaimVerdict, std::string>> words = {
      {ClaimVerdict::kUnknown, "claim-unknown"},
      {ClaimVerdict::kExpired, "claim-expired"},
      {ClaimVerdict::kUsedUp, "claim-used"},
      {ClaimVerdict::kWrongAddress, "claim-address"},
      {ClaimVerdict::kTokenForeign, "token-foreign"}};
  for (const auto& [verdict, word] : words) {
    edge_.control_plane.enrolment_answer = EnrolmentAnswer{.verdict = verdict};
    const Reply reply = post(claim, body);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.text, word);
  }
  EXPECT_EQ(post("", body).text, "claim-unknown");
  EXPECT_EQ(post(claim, R"({"p":1})").status, 400);
  edge_.control_plane.enrolment_answer = absl::UnavailableError("away");
  EXPECT_EQ(post(claim, body).status, 503);
  edge_.control_plane.enrolment_answer = absl::InvalidArgumentError("facts");
  EXPECT_EQ(post(claim, body).status, 400);
}

TEST_F(CallsTrustTest, ATokenOnItsWayIsCheckedByItsEpoch) {
  const Secret next("fresh-secret-16b");
  edge_.record.next_epoch = 2;
  edge_.record.next_secret_check = routeros::SecretCheck(edge_.trust.secret_check_key, next);
  edge_.devices.Put(edge_.record);
  const auto beat = [&](uint32_t epoch, const Secret& secret) {
    return edge_.Beat(edge_.TokenOf(DeviceId{5}, epoch, secret), kFullBeat).status;
  };
  EXPECT_EQ(beat(1, edge_.secret), 200);
  EXPECT_EQ(beat(2, next), 200);
  EXPECT_EQ(beat(3, next), 200);
  EXPECT_EQ(beat(1, next), 401);
  EXPECT_EQ(beat(2, edge_.secret), 401);
  edge_.record.least_epoch = 2;
  edge_.devices.Put(edge_.record);
  EXPECT_EQ(beat(1, edge_.secret), 401);
  EXPECT_EQ(beat(2, next), 200);
}

TEST_F(CallsTrustTest, SecretsOfAJobDoNotLeaveTheEdgeInItsAnswer) {
  Job job = CallsFixture::NewJob(10);
  job.script = ":put {{secret:key}}";
  job.secrets.push_back({"key", Secret("hunter2")});
  edge_.jobs.Put(job);
  EXPECT_EQ(edge_.Beat(edge_.Token(), kFullBeat).text, "J10 :put \"hunter2\"");
  edge_.Ask("POST", "/v1/result", "Bearer " + edge_.Token(),
            R"({"p":1,"n":10,"st":"fail","out":"it is hunter2","err":"no hunter2 here"})");
  ASSERT_EQ(edge_.upstream.results().size(), 1u);
  EXPECT_EQ(edge_.upstream.results()[0].report.output, "it is {{secret:key}}");
  EXPECT_EQ(edge_.upstream.results()[0].report.error, "no {{secret:key}} here");
}

}  // namespace
}  // namespace muster::edge
