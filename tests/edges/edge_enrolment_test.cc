// Claims and enrolment over the edge listener.
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "routeros/token/token.h"
#include "server/pki/device_secret.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using testing::EdgeClient;
using ::testing::SizeIs;

constexpr char kNonce[] = "0123456789abcdef";

class EdgeEnrolmentTest : public EdgeHarness {
 protected:
  void SetUp() override {
    EdgeHarness::SetUp();
    client_ = std::make_unique<EdgeClient>(address(), JoinEdge("edge-one"));
  }

  edge::v1::EnrollResponse EnrollOk(const std::string& claim, const std::string& nonce,
                                    const std::string& token = "") {
    auto response = Enroll(*client_, claim, nonce, token);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : edge::v1::EnrollResponse();
  }

  routeros::TokenContents Open(const std::string& token) {
    auto contents =
        routeros::OpenToken(installation().keys.token_keys, installation().keys.cluster_id, token);
    EXPECT_TRUE(contents.ok());
    return *std::move(contents);
  }

  size_t DeviceCount() {
    return state().ListDevices(DefaultOrganization(), DeviceId{}, 1000, false).size();
  }

  std::unique_ptr<EdgeClient> client_;
};

TEST_F(EdgeEnrolmentTest, ClaimAndNonceBecomeADeviceWithATokenAndARecord) {
  const edge::v1::EnrollResponse response = EnrollOk(CreateClaim(1), kNonce);
  ASSERT_EQ(response.verdict(), edge::v1::CLAIM_VERDICT_OK);
  EXPECT_LE(response.token().size(), 200u);
  const routeros::TokenContents contents = Open(response.token());
  EXPECT_EQ(contents.device.value, response.record().device_id());
  EXPECT_EQ(contents.organization, DefaultOrganization());
  const std::optional<Device> device = state().FindDevice(contents.device);
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(device->identity, "router");
  const Edge edge = *state().FindEdge("edge-one");
  const Secret key = *OpenCheckKey(installation().master_key, "edge-one", edge.sealed_check_key);
  EXPECT_EQ(response.record().secret_check(), routeros::SecretCheck(key, contents.secret));
}

TEST_F(EdgeEnrolmentTest, SameClaimAndNonceGiveTheSameDeviceSecretAndOneUse) {
  const std::string claim = CreateClaim(1);
  const edge::v1::EnrollResponse first = EnrollOk(claim, kNonce);
  const edge::v1::EnrollResponse second = EnrollOk(claim, kNonce);
  ASSERT_EQ(second.verdict(), edge::v1::CLAIM_VERDICT_OK);
  EXPECT_NE(first.token(), second.token());
  EXPECT_EQ(Open(first.token()).device, Open(second.token()).device);
  EXPECT_EQ(Open(first.token()).secret.Reveal(), Open(second.token()).secret.Reveal());
  EXPECT_EQ(Open(first.token()).epoch, Open(second.token()).epoch);
  EXPECT_EQ(DeviceCount(), 1u);
  EXPECT_EQ(EnrollOk(claim, "another-nonce-00").verdict(), edge::v1::CLAIM_VERDICT_USED_UP);
}

TEST_F(EdgeEnrolmentTest, TheSecretIsSealedUnderTheKeyOfItsOrganizationFromTheFirstDeviceOn) {
  const edge::v1::EnrollResponse response = EnrollOk(CreateClaim(1), kNonce);
  ASSERT_EQ(response.verdict(), edge::v1::CLAIM_VERDICT_OK);
  const DeviceId device{response.record().device_id()};
  const std::string sealed = state().FindDeviceKey(device)->sealed_secret;
  const OrganizationKeys keys(state(), installation().master_key);
  ASSERT_TRUE(keys.Find(DefaultOrganization())->has_value());
  const auto secret = OpenDeviceSecret(keys, device, sealed);
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(secret->Reveal(), Open(response.token()).secret.Reveal());
  // Neither the master key alone opens it, nor is it another device's.
  EXPECT_FALSE(OpenDeviceSecret(installation().master_key, device, sealed.substr(8)).ok());
  EXPECT_FALSE(OpenDeviceSecret(keys, DeviceId{device.value + 1}, sealed).ok());
  // What an older musterd made opens as before.
  const std::string old =
      SealDeviceSecret(installation().master_key, device, Secret("sixteen bytes..."));
  EXPECT_EQ(OpenDeviceSecret(keys, device, old)->Reveal(), "sixteen bytes...");
}

TEST_F(EdgeEnrolmentTest, HeldTokenKeepsTheIdentityAndUsesNothingUp) {
  const edge::v1::EnrollResponse first = EnrollOk(CreateClaim(1), kNonce);
  const std::string claim = CreateClaim(1);
  const edge::v1::EnrollResponse again = EnrollOk(claim, "another-nonce-00", first.token());
  ASSERT_EQ(again.verdict(), edge::v1::CLAIM_VERDICT_OK);
  EXPECT_EQ(again.record().device_id(), first.record().device_id());
  EXPECT_EQ(DeviceCount(), 1u);
  EXPECT_EQ(EnrollOk(claim, "third-nonce-0000").verdict(), edge::v1::CLAIM_VERDICT_OK);
}

TEST_F(EdgeEnrolmentTest, ForgedTokenWithTheRightSealButAWrongSecretMakesANewDevice) {
  const edge::v1::EnrollResponse first = EnrollOk(CreateClaim(1), kNonce);
  routeros::TokenContents contents = Open(first.token());
  contents.secret = RandomSecret(16);
  const Secret forged = *routeros::SealToken(installation().keys.token_keys.back(),
                                             installation().keys.cluster_id, contents);
  const edge::v1::EnrollResponse response =
      EnrollOk(CreateClaim(1), "another-nonce-00", std::string(forged.Reveal()));
  ASSERT_EQ(response.verdict(), edge::v1::CLAIM_VERDICT_OK);
  EXPECT_NE(response.record().device_id(), first.record().device_id());
}

TEST_F(EdgeEnrolmentTest,
       AClaimThatReplacesGivesTheSameDeviceANewTokenAndTheOldOneCountsForNothing) {
  const edge::v1::EnrollResponse first = EnrollOk(CreateClaim(1), kNonce);
  const std::string claim = RandomBytes(16);
  Command command;
  internal::v1::CreateClaim& create = *command.mutable_create_claim();
  create.set_claim_id(RandomId());
  create.set_organization_id(DefaultOrganization().value);
  create.set_claim_hash(Hash256(claim));
  create.set_max_devices(1);
  create.set_ttl_us(3'600'000'000);
  create.set_profile(2);
  create.add_urls("https://one.example.net");
  create.set_replaces_device_id(first.record().device_id());
  ASSERT_TRUE(Propose(std::move(command)).ok());
  edge::v1::CheckClaimRequest question;
  question.set_claim(claim);
  question.set_source_address("\x7f\x01\x01\x01");
  grpc::ClientContext context;
  edge::v1::CheckClaimResponse answer;
  ASSERT_TRUE(client_->stub().CheckClaim(&context, question, &answer).ok());
  EXPECT_EQ(answer.profile(), edge::v1::PROFILE_METERED);
  EXPECT_EQ(answer.urls(0), "https://one.example.net");
  const edge::v1::EnrollResponse second = EnrollOk(claim, "another-nonce-00");
  ASSERT_EQ(second.verdict(), edge::v1::CLAIM_VERDICT_OK);
  EXPECT_EQ(second.record().device_id(), first.record().device_id());
  EXPECT_EQ(second.record().least_epoch(), 2u);
  EXPECT_EQ(second.record().interval_seconds(), 300u);
  EXPECT_EQ(Open(second.token()).epoch, 2u);
  EXPECT_NE(Open(second.token()).secret.Reveal(), Open(first.token()).secret.Reveal());
  EXPECT_EQ(DeviceCount(), 1u);
  // The old router runs its line again with the token that it holds.
  const edge::v1::EnrollResponse stale =
      EnrollOk(CreateClaim(1), "third-nonce-0000", first.token());
  EXPECT_NE(stale.record().device_id(), first.record().device_id());
}

TEST_F(EdgeEnrolmentTest, UnknownClaimIsAVerdict) {
  EXPECT_EQ(EnrollOk(RandomBytes(16), kNonce).verdict(), edge::v1::CLAIM_VERDICT_UNKNOWN);
  EXPECT_EQ(DeviceCount(), 0u);
}

TEST_F(EdgeEnrolmentTest, GuessesOfStrangersWriteNothingIntoTheLog) {
  const auto next_index = [this] {
    Command command;
    internal::v1::CreateClaim& create = *command.mutable_create_claim();
    create.set_claim_id(RandomId());
    create.set_organization_id(DefaultOrganization().value);
    create.set_claim_hash(Hash256(RandomBytes(16)));
    create.set_max_devices(1);
    create.set_ttl_us(3'600'000'000);
    const absl::StatusOr<Applied> applied = Propose(std::move(command));
    EXPECT_TRUE(applied.ok());
    return applied.ok() ? applied->position.index : 0;
  };
  const uint64_t before = next_index();
  constexpr int kGuesses = 100;
  for (int i = 0; i < kGuesses; ++i) EnrollOk(RandomBytes(16), kNonce);
  // Ticks come meanwhile, one a second.
  EXPECT_LT(next_index() - before, kGuesses);
}

TEST_F(EdgeEnrolmentTest, MalformedRequestsAreRefused) {
  EXPECT_EQ(Enroll(*client_, "short", kNonce).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Enroll(*client_, CreateClaim(1), "short").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Enroll(*client_, CreateClaim(1), std::string(65, 'n')).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EdgeEnrolmentTest, HundredParallelEnrolmentsOnAOneUseClaimMakeExactlyOneDevice) {
  const std::string claim = CreateClaim(1);
  std::vector<std::thread> routers;
  std::vector<absl::StatusOr<edge::v1::EnrollResponse>> responses(100,
                                                                  absl::UnknownError("not called"));
  for (size_t i = 0; i < responses.size(); ++i) {
    routers.emplace_back([&, i] {
      responses[i] = Enroll(*client_, claim, "nonce-of-router-" + std::to_string(100 + i));
    });
  }
  for (std::thread& router : routers) router.join();
  std::set<uint64_t> devices;
  size_t used_up = 0;
  for (const auto& response : responses) {
    ASSERT_TRUE(response.ok()) << response.status();
    if (response->verdict() == edge::v1::CLAIM_VERDICT_OK) {
      devices.insert(response->record().device_id());
    } else {
      EXPECT_EQ(response->verdict(), edge::v1::CLAIM_VERDICT_USED_UP);
      ++used_up;
    }
  }
  EXPECT_THAT(devices, SizeIs(1));
  EXPECT_EQ(used_up, 99u);
  EXPECT_EQ(DeviceCount(), 1u);
}

TEST_F(EdgeEnrolmentTest, CheckClaimTellsTheVerdictWithoutUsingTheClaimUp) {
  const std::string claim = CreateClaim(1);
  for (int i = 0; i < 3; ++i) {
    edge::v1::CheckClaimRequest request;
    request.set_claim(claim);
    request.set_source_address("\x7f\x01\x01\x01");
    grpc::ClientContext context;
    edge::v1::CheckClaimResponse response;
    ASSERT_TRUE(client_->stub().CheckClaim(&context, request, &response).ok());
    EXPECT_EQ(response.verdict(), edge::v1::CLAIM_VERDICT_OK);
  }
  EXPECT_EQ(EnrollOk(claim, kNonce).verdict(), edge::v1::CLAIM_VERDICT_OK);
}

}  // namespace
}  // namespace muster::server
