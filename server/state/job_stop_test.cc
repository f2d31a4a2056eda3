// Jobs that are stopped while routers run them, routers that are to beat fast, and events of all
// devices.
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
constexpr uint32_t kUnfit = 5;

class JobStopTest : public StateFixture {
 protected:
  JobStopTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
  }

  uint64_t CreateWith(const Command& command) {
    const Outcome outcome = Apply(command);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    return NumberOf(kJob, kDevice);
  }
  uint64_t CreateAndSend() {
    const uint64_t number = CreateWith(JobCommand(kJob, {kDevice}));
    Event("edge-a", kDevice, number, kSent, 1);
    return number;
  }
  S Now() { return StateOf(kJob, kDevice); }
  void Stop(uint32_t cancelled, uint32_t stopping) {
    Command command;
    command.mutable_cancel_job()->set_job_id(kJob);
    command.mutable_cancel_job()->set_organization_id(kOrganization);
    command.mutable_cancel_job()->set_stop_running(true);
    const Outcome outcome = Apply(command);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.result.cancel_job().cancelled_count(), cancelled);
    EXPECT_EQ(outcome.result.cancel_job().stopping_count(), stopping);
    EXPECT_EQ(outcome.result.cancel_job().refused_count(), 0U);
  }
  // What the agent posts of a job that it stopped.
  void Stopped(uint64_t number) {
    Command command = Batch("edge-a", 1);
    auto& result = *command.mutable_edge_batch()->add_job_results();
    result.set_device_id(kDevice);
    result.set_number(number);
    result.set_time_us(NowUs());
    result.set_status(2);
    result.set_phase("run");
    result.set_error("stopped");
    Apply(command);
  }
};

TEST_F(JobStopTest, AStoppedJobIsCancelledByWhatTheAgentSays) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, number, number);
  changes_.clear();
  Stop(0, 1);
  ASSERT_EQ(CountChanges(ChangeKind::kJobStop), 1);
  EXPECT_EQ(CountChanges(ChangeKind::kJobRemove), 0) << "its edge takes secrets out of its output";
  EXPECT_EQ(Now(), S::kRunning) << "nothing shows yet that it ended";
  Beat("edge-b", kDevice, number, number);
  EXPECT_EQ(CountChanges(ChangeKind::kJobStop), 2) << "the edge where it beats now is told too";
  EXPECT_EQ(changes_.back().edge.empty(), false);
  Stopped(number);
  EXPECT_EQ(Now(), S::kCancelled);
  EXPECT_EQ(Target(kJob, kDevice).error, "stopped while it ran; what it had done stays");
  EXPECT_NE(state_->FindJob(JobId{kJob}, false)->end_time_us, 0);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(Now(), S::kSucceeded) << "a result is evidence";
}

TEST_F(JobStopTest, AStoppedJobWithoutAnyResultIsCancelledWhenTheRouterRunsItNoLonger) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, number, number);
  Stop(0, 1);
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(Now(), S::kRunning);
  Pass(15);
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(Now(), S::kCancelled);
  Stopped(number);
  EXPECT_EQ(Now(), S::kCancelled);
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("ran-although-cancelled")));
}

TEST_F(JobStopTest, AResultThatIsFasterThanTheStopCounts) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, number, number);
  Stop(0, 1);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(Now(), S::kSucceeded);
  Stopped(number);
  EXPECT_EQ(Now(), S::kSucceeded);
  EXPECT_THAT(EventKinds(kDevice), Contains("second-result"));
}

TEST_F(JobStopTest, AScriptThatSaysStoppedByItselfHasFailed) {
  const uint64_t number = CreateAndSend();
  Stopped(number);
  EXPECT_EQ(Now(), S::kFailed);
}

TEST_F(JobStopTest, AStoppedJobThatWasNeverStartedIsCancelledAndNotSentAgain) {
  const uint64_t number = CreateAndSend();
  Stop(0, 1);
  EXPECT_EQ(CountChanges(ChangeKind::kJobRemove), 1);
  Event("edge-a", kDevice, number, kRemoved);
  Pass(10);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Now(), S::kCancelled);
  EXPECT_EQ(Target(kJob, kDevice).error, "");
}

TEST_F(JobStopTest, AStoppedJobIsLostWhereNothingIsHeardOfItAndNotTriedAgain) {
  Command command = JobCommand(kJob, {kDevice});
  command.mutable_create_job()->set_idempotent(true);
  const uint64_t number = CreateWith(command);
  Event("edge-a", kDevice, number, kSent, 1);
  Beat("edge-a", kDevice, number, number);
  Stop(0, 1);
  Pass(301);
  EXPECT_EQ(Now(), S::kLost);
  Stopped(number);
  EXPECT_EQ(Now(), S::kCancelled) << "absence yields to evidence";
}

TEST_F(JobStopTest, ARestartEndsAStoppedJob) {
  const uint64_t number = CreateAndSend();
  Beat("edge-a", kDevice, number, number);
  Stop(0, 1);
  boot_ = "after-it";
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(Now(), S::kCancelled);
}

TEST_F(JobStopTest, StoppingAJobCancelsWhatWaitsAndOneDeviceCanBeStoppedAlone) {
  MakeDevice(kDevice + 1);
  const uint64_t number = CreateWith(JobCommand(kJob, {kDevice, kDevice + 1}));
  Event("edge-a", kDevice, number, kSent, 1);
  Beat("edge-a", kDevice, number, number);
  Command command;
  auto& cancel = *command.mutable_cancel_targets();
  cancel.set_organization_id(kOrganization);
  cancel.set_device_id(kDevice);
  cancel.set_job_id(kJob);
  cancel.set_stop_running(true);
  Outcome outcome = Apply(command);
  EXPECT_EQ(outcome.result.cancel_job().stopping_count(), 1U);
  EXPECT_EQ(StateOf(kJob, kDevice + 1), S::kAtEdge);
  Stop(1, 1);
  EXPECT_EQ(StateOf(kJob, kDevice + 1), S::kCancelling);
  cancel.set_held_only(true);
  EXPECT_FALSE(Apply(command).status.ok());
}

TEST_F(JobStopTest, ASecretThatCantStandInItsPlaceFailsTheJobWhereItIs) {
  const uint64_t number = CreateWith(JobCommand(kJob, {kDevice}));
  Event("edge-a", kDevice, number, kUnfit);
  EXPECT_EQ(Now(), S::kFailed);
  EXPECT_EQ(Target(kJob, kDevice).phase, "send");
  EXPECT_THAT(Target(kJob, kDevice).error, testing::HasSubstr("quotes"));
}

TEST_F(JobStopTest, EventsOfAllDevicesAreListedNewestFirst) {
  MakeDevice(kDevice + 1);
  Beat("edge-a", kDevice, 5);
  Beat("edge-a", kDevice, 0);
  Beat("edge-a", kDevice + 1, 5);
  const auto all = state_->ListEvents(OrganizationId{kOrganization}, {}, 0, 100);
  ASSERT_GE(all.size(), 4U);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i].place(), all[i - 1].place());
  EXPECT_EQ(all[0].device, DeviceId{kDevice + 1});
  const auto rest = state_->ListEvents(OrganizationId{kOrganization}, {}, all[1].place(), 100);
  EXPECT_EQ(rest.size(), all.size() - 2);
  EXPECT_EQ(state_->ListEvents(OrganizationId{kOrganization}, {}, 0, 1).size(), 1U);
  State::EventQuery query;
  query.kinds = {"router-state-went-back"};
  const auto back = state_->ListEvents(OrganizationId{kOrganization}, query, 0, 100);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].device, DeviceId{kDevice});
  query.device = DeviceId{kDevice + 1};
  EXPECT_TRUE(state_->ListEvents(OrganizationId{kOrganization}, query, 0, 100).empty());
  query = {.device = DeviceId{kDevice}, .kinds = {}, .since_us = NowUs() + 1};
  EXPECT_TRUE(state_->ListEvents(OrganizationId{kOrganization}, query, 0, 100).empty());
  EXPECT_TRUE(state_->ListEvents(OrganizationId{kOrganization + 1}, {}, 0, 100).empty());
}

TEST_F(JobStopTest, FastBeatsAreToldToTheEdgesThatHearTheDevice) {
  Beat("edge-b", kDevice, 0);
  Command command;
  auto& fast = *command.mutable_request_fast_beats();
  fast.set_device_id(kDevice);
  fast.set_organization_id(kOrganization);
  fast.set_seconds(60);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(CountChanges(ChangeKind::kFastBeats), 2);
  EXPECT_EQ(changes_.back().number, 60U);
  for (const uint32_t seconds : {0U, 301U}) {
    fast.set_seconds(seconds);
    EXPECT_FALSE(Apply(command).status.ok()) << seconds;
  }
  fast.set_seconds(60);
  fast.set_organization_id(kOrganization + 1);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster::server
