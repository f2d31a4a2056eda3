// Devices that leave, and what must not happen to them on the way: release, deletion, move.
#include <gmock/gmock.h>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::Contains;
using testing::Not;

constexpr uint64_t kOther = 12;
constexpr uint64_t kDevice = 5;

class LeavingRulesTest : public StateFixture {
 protected:
  LeavingRulesTest() { SetUpInstallation(); }

  Outcome Release(uint64_t job) {
    Command command;
    auto& release = *command.mutable_release_device();
    release.set_device_id(kDevice);
    release.set_organization_id(kOrganization);
    release.set_job_id(job);
    release.set_script("/system script remove");
    release.set_ttl_us(3'600'000'000);
    return Apply(command);
  }
  Device Get() const { return *state_->FindDevice(DeviceId{kDevice}); }
};

TEST_F(LeavingRulesTest, AReleaseDoesNotAcceptADeviceThatWaitsForAcceptance) {
  Command claim = ClaimCommand(kDevice, 1);
  claim.mutable_create_claim()->set_approve(true);
  ASSERT_TRUE(Apply(claim).status.ok());
  ASSERT_EQ(Apply(EnrollCommand(kDevice, kDevice, "nonce")).result.enroll().verdict(),
            internal::v1::ENROLL_VERDICT_OK);
  Beat("edge-a", kDevice, 0);
  ASSERT_EQ(Get().hold_kind, HoldKind::kPending);
  EXPECT_EQ(Release(60).status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get().hold_kind, HoldKind::kPending);
  EXPECT_TRUE(Get().jobs_held);
  EXPECT_FALSE(state_->FindJob(JobId{60}, false).has_value());
}

}  // namespace
}  // namespace muster::server
