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
  Outcome Move() {
    Command command;
    auto& move = *command.mutable_move_device();
    move.set_device_id(kDevice);
    move.set_organization_id(kOrganization);
    move.set_to_organization_id(kOther);
    return Apply(command);
  }
  void MakeOtherOrganization() {
    Command command;
    command.mutable_create_organization()->set_organization_id(kOther);
    command.mutable_create_organization()->set_slug("other");
    ASSERT_TRUE(Apply(command).status.ok());
  }
  // A beat that names its agent.
  void Report(const std::string& agent) {
    Pass(1);
    Command command = Batch("edge-a", 2);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(kDevice);
    check_in.set_interval_seconds(30);
    check_in.set_boot(boot_);
    check_in.mutable_facts()->set_routeros_version("7.15.3 (stable)");
    check_in.mutable_facts()->set_agent_version(agent);
    ASSERT_TRUE(Apply(command).status.ok());
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

TEST_F(LeavingRulesTest, ADeviceWhoseAgentIsBeingUpgradedIsNotMoved) {
  MakeOtherOrganization();
  MakeDevice(kDevice);
  Report("1");
  Command command = JobCommand(60, {kDevice});
  auto& create = *command.mutable_create_job();
  create.clear_script();
  create.mutable_agent()->set_version("2");
  create.mutable_waves()->set_canary_count(1);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  ASSERT_EQ(StateOf(60, kDevice), JobTargetState::kRunning);
  EXPECT_EQ(Move().status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get().organization, OrganizationId{kOrganization});
  Report("2");
  Report("2");
  ASSERT_EQ(StateOf(60, kDevice), JobTargetState::kSucceeded);
  EXPECT_TRUE(Move().status.ok());
}

TEST_F(LeavingRulesTest, AReleaseOfADeviceThatIsDeletedHasNotFailed) {
  MakeDevice(kDevice);
  ASSERT_TRUE(Release(60).status.ok());
  Command command;
  command.mutable_delete_device()->set_device_id(kDevice);
  command.mutable_delete_device()->set_organization_id(kOrganization);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("release-failed")));
  EXPECT_THAT(EventKinds(kDevice), Contains("deleted"));
  EXPECT_FALSE(Get().release_job);
  Open();
  EXPECT_FALSE(Get().release_job) << "and not after a start either";
}

}  // namespace
}  // namespace muster::server
