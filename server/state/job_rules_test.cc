// What becomes of a job on one device: device-protocol section 6.
#include <gmock/gmock.h>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::Contains;
using testing::Not;
using S = JobTargetState;

constexpr uint64_t kDevice = 100;
constexpr uint64_t kJob = 500;
constexpr uint32_t kSent = 1;
constexpr uint32_t kRemoved = 2;
constexpr uint32_t kExpired = 3;
constexpr uint32_t kTooLong = 4;

class JobRulesTest : public StateFixture {
 protected:
  JobRulesTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
  }

  uint64_t Create(uint64_t job = kJob) { return CreateWith(JobCommand(job, {kDevice})); }
  uint64_t CreateWith(const Command& command) {
    const Outcome outcome = Apply(command);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    return NumberOf(command.create_job().job_id(), kDevice);
  }
  uint64_t CreateAndSend() {
    const uint64_t number = Create();
    Event("edge-a", kDevice, number, kSent, 1);
    return number;
  }
  S State(uint64_t job = kJob) { return StateOf(job, kDevice); }
  void Cancel(uint32_t cancelled, uint32_t refused) {
    Command command;
    command.mutable_cancel_job()->set_job_id(kJob);
    command.mutable_cancel_job()->set_organization_id(kOrganization);
    const Outcome outcome = Apply(command);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.result.cancel_job().cancelled_count(), cancelled);
    EXPECT_EQ(outcome.result.cancel_job().refused_count(), refused);
  }
};

TEST_F(JobRulesTest, ReleasesAtOnceToTheEdgeThatHearsTheDevice) {
  const uint64_t number = Create();
  EXPECT_EQ(State(), S::kAtEdge);
  EXPECT_GE(number, static_cast<uint64_t>(NowUs()));
  const auto job = state_->FindEdgeJob("edge-a", DeviceId{kDevice});
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->number, number);
  EXPECT_EQ(job->script, ":put hello");
  EXPECT_FALSE(state_->FindEdgeJob("edge-b", DeviceId{kDevice}).has_value());
  EXPECT_EQ(CountChanges(ChangeKind::kJobPut), 1);
}

TEST_F(JobRulesTest, GoesFromSentToSucceededByItsResult) {
  const uint64_t number = CreateAndSend();
  EXPECT_EQ(State(), S::kSent);
  Beat("edge-a", kDevice, number, number);
  EXPECT_EQ(State(), S::kRunning);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
  EXPECT_EQ(Target(kJob, kDevice).output, "done");
  EXPECT_NE(state_->FindJob(JobId{kJob}, false)->end_time_us, 0);
}

TEST_F(JobRulesTest, KeepsOneJobBetweenEdgeAndEndAndReleasesTheNextWithAHigherNumber) {
  const uint64_t first = Create(1);
  Create(2);
  EXPECT_EQ(State(2), S::kQueued);
  Event("edge-a", kDevice, first, kSent, 1);
  ResultOf("edge-a", kDevice, first, 2);
  EXPECT_EQ(State(1), S::kFailed);
  EXPECT_EQ(State(2), S::kAtEdge);
  EXPECT_GT(NumberOf(2, kDevice), first);
}

TEST_F(JobRulesTest, GivesNumbersAboveWhatTheRouterEverReported) {
  const uint64_t high = static_cast<uint64_t>(NowUs()) + 1'000'000'000'000;
  Beat("edge-a", kDevice, high);
  EXPECT_THAT(EventKinds(kDevice), Contains("unknown-number"));
  EXPECT_EQ(Create(), high + 1);
}

TEST_F(JobRulesTest, WaitsInTheQueueUntilTheDeviceChecksIn) {
  ASSERT_TRUE(Apply(ClaimCommand(7, 1)).status.ok());
  Apply(EnrollCommand(7, 7, "nonce"));
  Apply(JobCommand(8, {7}));
  EXPECT_EQ(StateOf(8, 7), S::kQueued);
  Beat("edge-b", 7, 0);
  EXPECT_EQ(StateOf(8, 7), S::kAtEdge);
  EXPECT_TRUE(state_->FindEdgeJob("edge-b", DeviceId{7}).has_value());
}

TEST_F(JobRulesTest, FollowsTheDeviceToAnotherEdge) {
  const uint64_t number = Create();
  Beat("edge-b", kDevice, 0);
  EXPECT_EQ(state_->FindEdgeJob("edge-b", DeviceId{kDevice})->number, number);
  ResultOf("edge-b", kDevice, number);
  EXPECT_EQ(CountChanges(ChangeKind::kJobRemove), 2);
  EXPECT_EQ(state_->ListEdgeRemovals("edge-a", DeviceId{}, 10).size(), 1U);
  Event("edge-a", kDevice, number, kRemoved);
  EXPECT_TRUE(state_->ListEdgeRemovals("edge-a", DeviceId{}, 10).empty());
}

TEST_F(JobRulesTest, IsLostAfterTwoBeatsWithoutAResult) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kRunning);
  Pass(15);
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kLost);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobRulesTest, IsNotLostWhileItRunsOrByBeatsThatWaitedAtTheEdge) {
  const uint64_t number = CreateAndSend();
  for (int i = 0; i < 4; ++i) Beat("edge-a", kDevice, number, number);
  EXPECT_EQ(State(), S::kRunning);
  for (int i = 0; i < 4; ++i) {
    Pass(5);
    Command command = Batch("edge-a", 2);
    command.mutable_edge_batch()->set_base_time_us(NowUs() - 20'000'000 + i * 1'000'000);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(kDevice);
    check_in.set_boot(boot_);
    check_in.set_last_number(number);
    Apply(command);
  }
  EXPECT_EQ(State(), S::kRunning);
}

TEST_F(JobRulesTest, IsLostByARebootBeforeItsResult) {
  const uint64_t number = CreateAndSend();
  Pass(1);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kLost);
}

TEST_F(JobRulesTest, IsLostByARebootBetweenSendingAndStarting) {
  CreateAndSend();
  Pass(1);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kLost);
}

TEST_F(JobRulesTest, SurvivesARebootBeforeItWasSent) {
  Create();
  boot_ = "boot-2";
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kAtEdge);
}

TEST_F(JobRulesTest, IsLostWhenItWasSentThreeTimesAndNeverStarted) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, 0);
  Event("edge-a", kDevice, number, kSent, 2);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kSent);
  Event("edge-a", kDevice, number, kSent, 3);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kSent) << "a router that beats fast may not have stored the number yet";
  Pass(10);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kLost);
}

TEST_F(JobRulesTest, IsLostWhenItsTimeoutPasses) {
  CreateAndSend();
  Pass(310);
  EXPECT_EQ(State(), S::kLost);
}

TEST_F(JobRulesTest, GetsThreeAttemptsWhenIdempotent) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_idempotent(true);
  uint64_t number = CreateWith(command);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(Target(kJob, kDevice).attempt, static_cast<uint32_t>(attempt));
    EXPECT_EQ(State(), S::kAtEdge);
    Event("edge-a", kDevice, number, kSent, 1);
    Pass(1);
    boot_ = absl::StrCat("boot-of-", attempt);
    Beat("edge-a", kDevice, number);
    if (attempt < 3) {
      EXPECT_GT(NumberOf(kJob, kDevice), number);
    }
    number = NumberOf(kJob, kDevice);
  }
  EXPECT_EQ(State(), S::kLost);
}

TEST_F(JobRulesTest, TakesTheLateResultOfAnEarlierAttemptThatWasNotSentAgain) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_idempotent(true);
  const uint64_t number = CreateWith(command);
  Event("edge-a", kDevice, number, kSent, 1);
  Pass(1);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, number);
  ASSERT_EQ(State(), S::kAtEdge);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobRulesTest, SucceedsByRebootWhereItEndsWithOne) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_ends_with(2);
  const uint64_t number = CreateWith(command);
  Event("edge-a", kDevice, number, kSent, 1);
  Beat("edge-a", kDevice, number);
  Pass(20);
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kRunning);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobRulesTest, FailsAfterTheRebootWithAnotherVersionThanExpected) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_ends_with(2);
  command.mutable_create_job()->set_expect_version("7.20.8");
  const uint64_t number = CreateWith(command);
  Event("edge-a", kDevice, number, kSent, 1);
  Pass(1);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kFailed);
}

TEST_F(JobRulesTest, HoldsTheQueueWhenTheRoutersStateWentBack) {
  const uint64_t number = CreateAndSend();
  ResultOf("edge-a", kDevice, number);
  Beat("edge-a", kDevice, number);
  const uint64_t next = Create(2);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(2), S::kHeld);
  EXPECT_THAT(EventKinds(kDevice), Contains("router-state-went-back"));
  EXPECT_TRUE(state_->FindDevice(DeviceId{kDevice})->jobs_held);
  Create(3);
  EXPECT_EQ(State(3), S::kHeld);
  Command release;
  release.mutable_update_device()->set_device_id(kDevice);
  release.mutable_update_device()->set_organization_id(kOrganization);
  release.mutable_update_device()->set_release_hold(true);
  ASSERT_TRUE(Apply(release).status.ok());
  EXPECT_EQ(State(2), S::kAtEdge);
  EXPECT_GT(NumberOf(2, kDevice), next);
  EXPECT_EQ(State(3), S::kQueued);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(2), S::kAtEdge);
}

TEST_F(JobRulesTest, NeverRunsAgainWhatHadStartedWhenTheStateWentBack) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, number, number);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kLost);
}

TEST_F(JobRulesTest, ShowsAResultOfAnUnknownNumberAsOrphan) {
  ResultOf("edge-a", kDevice, 77);
  EXPECT_THAT(EventKinds(kDevice), Contains("orphan-result"));
}

TEST_F(JobRulesTest, KeepsTheFirstResultAndShowsADifferingSecond) {
  const uint64_t number = CreateAndSend();
  ResultOf("edge-a", kDevice, number, 1, "one");
  ResultOf("edge-a", kDevice, number, 1, "one");
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("second-result")));
  ResultOf("edge-a", kDevice, number, 2, "two");
  EXPECT_EQ(State(), S::kSucceeded);
  EXPECT_EQ(Target(kJob, kDevice).output, "one");
  EXPECT_THAT(EventKinds(kDevice), Contains("second-result"));
}

TEST_F(JobRulesTest, ExpiresInTheQueueAndAtTheEdge) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_not_after_us(NowUs() + 30'000'000);
  CreateWith(command);
  Create(2);
  Pass(40);
  EXPECT_EQ(State(), S::kAtEdge);
  Pass(55);
  EXPECT_EQ(State(), S::kExpired);
  EXPECT_EQ(State(2), S::kAtEdge);
}

TEST_F(JobRulesTest, ExpiresAtOnceWhenItsOnlyEdgeSaysSo) {
  const uint64_t number = Create();
  Event("edge-a", kDevice, number, kExpired);
  EXPECT_EQ(State(), S::kExpired);
}

TEST_F(JobRulesTest, WaitsForItsNotBeforeWithoutHoldingOthersBack) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_not_before_us(NowUs() + 20'000'000);
  CreateWith(command);
  EXPECT_EQ(State(), S::kQueued);
  const uint64_t second = Create(2);
  EXPECT_EQ(State(2), S::kAtEdge);
  ResultOf("edge-a", kDevice, second);
  EXPECT_EQ(State(), S::kQueued);
  Pass(25);
  EXPECT_EQ(State(), S::kAtEdge);
}

TEST_F(JobRulesTest, FailsWhenItIsTooLongForTheRouter) {
  const uint64_t number = Create();
  Event("edge-a", kDevice, number, kTooLong);
  EXPECT_EQ(State(), S::kFailed);
}

TEST_F(JobRulesTest, CancelsAtOnceWhatIsQueued) {
  Create(1);
  Create();
  Cancel(1, 0);
  EXPECT_EQ(State(), S::kCancelled);
}

TEST_F(JobRulesTest, CancelsAtTheEdgeWhenTheEdgeHasAcknowledged) {
  const uint64_t number = Create();
  Cancel(1, 0);
  EXPECT_EQ(State(), S::kCancelling);
  Event("edge-a", kDevice, number, kRemoved);
  EXPECT_EQ(State(), S::kCancelled);
}

TEST_F(JobRulesTest, RefusesToCancelWhatWasSent) {
  CreateAndSend();
  Cancel(0, 1);
  EXPECT_EQ(State(), S::kSent);
}

TEST_F(JobRulesTest, CancelsWhatWasSentWhenANewerBeatShowsThatItWasNotStarted) {
  const uint64_t number = CreateAndSend();
  Pass(10);
  Beat("edge-a", kDevice, 0);
  Cancel(1, 0);
  EXPECT_EQ(State(), S::kCancelling);
  Event("edge-a", kDevice, number, kRemoved);
  EXPECT_EQ(State(), S::kCancelled);
}

TEST_F(JobRulesTest, IsSentAfterAllWhenTheRemovalCameTooLate) {
  const uint64_t number = Create();
  Cancel(1, 0);
  Event("edge-a", kDevice, number, kSent, 1);
  EXPECT_EQ(State(), S::kSent);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobRulesTest, EndsCancellingByTimeWhenTheEdgeStaysSilent) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_not_after_us(NowUs() + 30'000'000);
  CreateWith(command);
  Cancel(1, 0);
  Pass(100);
  EXPECT_EQ(State(), S::kCancelled);
}

TEST_F(JobRulesTest, CancelsWhatADeletedDeviceHadOpen) {
  Create();
  Create(2);
  Command command;
  command.mutable_delete_device()->set_device_id(kDevice);
  command.mutable_delete_device()->set_organization_id(kOrganization);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(State(), S::kCancelled);
  EXPECT_EQ(State(2), S::kCancelled);
  EXPECT_EQ(Beat("edge-a", kDevice, 0).result.edge_batch().refused(0).code(), 3U);
}

TEST_F(JobRulesTest, SurvivesAStartWithItsQueue) {
  const uint64_t number = CreateAndSend();
  Create(2);
  Open();
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
  EXPECT_EQ(State(2), S::kAtEdge);
}

TEST_F(JobRulesTest, ReleasesTheHoldsOfManyDevicesInOneCommand) {
  Beat("edge-a", kDevice, 5);
  Create();
  Beat("edge-a", kDevice, 0);
  ASSERT_EQ(State(), S::kHeld);
  Command command;
  auto& release = *command.mutable_release_holds();
  release.set_organization_id(kOrganization);
  release.add_devices(kDevice);
  release.add_devices(kDevice + 1);
  const Outcome outcome = Apply(command);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.result.release_holds().device_count(), 1U);
  EXPECT_EQ(outcome.result.release_holds().target_count(), 1U);
  EXPECT_EQ(State(), S::kAtEdge);
  release.set_organization_id(kOrganization + 1);
  EXPECT_EQ(Apply(command).result.release_holds().device_count(), 0U);
}

TEST_F(JobRulesTest, CancelsHeldTargetsOfOneDeviceAndLeavesWhatIsNotHeld) {
  Beat("edge-a", kDevice, 5);
  Create(1);
  Create(2);
  Beat("edge-a", kDevice, 0);
  ASSERT_EQ(State(1), S::kHeld);
  Command command;
  auto& cancel = *command.mutable_cancel_targets();
  cancel.set_organization_id(kOrganization);
  cancel.set_device_id(kDevice);
  cancel.set_job_id(2);
  cancel.set_held_only(true);
  EXPECT_EQ(Apply(command).result.cancel_job().cancelled_count(), 1U);
  EXPECT_EQ(State(1), S::kHeld);
  EXPECT_EQ(State(2), S::kCancelled);
  cancel.set_organization_id(kOrganization + 1);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster::server
