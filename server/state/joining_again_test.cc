// A router that holds a token runs a line again: it keeps its identity, and takes the terms of a
// claim only where the claim would let a new router in.
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

constexpr uint64_t kDevice = 5;
constexpr uint64_t kClaim = 80;

class JoiningAgainTest : public StateFixture {
 protected:
  // A monitor-only router, and a claim that says otherwise.
  JoiningAgainTest() {
    SetUpInstallation();
    Command monitor_only = ClaimCommand(kDevice, 1);
    monitor_only.mutable_create_claim()->set_monitor_only(true);
    EXPECT_TRUE(Apply(monitor_only).status.ok());
    EXPECT_TRUE(Apply(EnrollCommand(kDevice, kDevice, "nonce")).status.ok());
    Beat("edge-a", kDevice, 0);
    EXPECT_TRUE(Get().monitor_only);
  }

  Command LaxClaim() {
    Command claim = ClaimCommand(kClaim, 1);
    claim.mutable_create_claim()->set_profile(2);
    return claim;
  }
  // With the token of kDevice.
  void RunAgain() {
    Command again = EnrollCommand(kClaim, 99, "nonce-2");
    again.mutable_enroll_device()->set_held_device_id(kDevice);
    again.mutable_enroll_device()->set_held_epoch(1);
    again.mutable_enroll_device()->set_source_address(std::string("\x0a\x00\x00\x01", 4));
    const Outcome outcome = Apply(again);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    ASSERT_EQ(outcome.result.enroll().verdict(), internal::v1::ENROLL_VERDICT_OK);
    EXPECT_EQ(outcome.result.enroll().device_id(), kDevice) << "it keeps its identity";
    EXPECT_EQ(outcome.result.enroll().monitor_only(), Get().monitor_only);
  }
  void ExpectOldTerms() {
    EXPECT_TRUE(Get().monitor_only);
    EXPECT_EQ(Get().profile, Profile::kNormal);
  }
  Device Get() const { return *state_->FindDevice(DeviceId{kDevice}); }
};

TEST_F(JoiningAgainTest, TakesTheTermsOfAClaimThatCounts) {
  ASSERT_TRUE(Apply(LaxClaim()).status.ok());
  RunAgain();
  EXPECT_FALSE(Get().monitor_only);
  EXPECT_EQ(Get().profile, Profile::kMetered);
}

TEST_F(JoiningAgainTest, TakesNoTermsOfAnExpiredClaim) {
  ASSERT_TRUE(Apply(LaxClaim()).status.ok());
  Pass(3'700);
  RunAgain();
  ExpectOldTerms();
}

TEST_F(JoiningAgainTest, TakesNoTermsOfAClaimThatIsUsedUp) {
  ASSERT_TRUE(Apply(LaxClaim()).status.ok());
  ASSERT_TRUE(Apply(EnrollCommand(kClaim, 81, "another")).status.ok());
  RunAgain();
  ExpectOldTerms();
}

TEST_F(JoiningAgainTest, TakesNoTermsOfAClaimForAnotherNetwork) {
  Command claim = LaxClaim();
  claim.mutable_create_claim()->set_allowed_source("192.168.0.0/16");
  claim.mutable_create_claim()->set_allowed_network(std::string("\xc0\xa8\x00\x00", 4));
  claim.mutable_create_claim()->set_allowed_prefix_bits(16);
  ASSERT_TRUE(Apply(claim).status.ok());
  RunAgain();
  ExpectOldTerms();
}

}  // namespace
}  // namespace muster::server
