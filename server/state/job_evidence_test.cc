// Evidence that comes late, from two sides, or against what was believed: device-protocol
// section 6.
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
constexpr uint32_t kTooLong = 4;

class JobEvidenceTest : public StateFixture {
 protected:
  JobEvidenceTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
  }

  uint64_t Create(uint64_t job = kJob) { return CreateWith(JobCommand(job, {kDevice})); }
  uint64_t CreateWith(const Command& command) {
    const Outcome outcome = Apply(command);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    return NumberOf(command.create_job().job_id(), kDevice);
  }
  uint64_t CreateAndSend(const Command& command) {
    const uint64_t number = CreateWith(command);
    Event("edge-a", kDevice, number, kSent, 1);
    return number;
  }
  Command RebootJob(uint64_t job = kJob) {
    Command command = JobCommand(job, {kDevice});
    command.mutable_create_job()->set_ends_with(2);
    return command;
  }
  S State(uint64_t job = kJob) { return StateOf(job, kDevice); }
  void Delete() {
    Command command;
    command.mutable_delete_device()->set_device_id(kDevice);
    command.mutable_delete_device()->set_organization_id(kOrganization);
    ASSERT_TRUE(Apply(command).status.ok());
  }
  void Cancel(uint64_t job = kJob) {
    Command command;
    command.mutable_cancel_job()->set_job_id(job);
    command.mutable_cancel_job()->set_organization_id(kOrganization);
    ASSERT_TRUE(Apply(command).status.ok());
  }
  // A body without a boot nonce, as agents send it when collecting fails.
  void SmallBeat(uint64_t last) {
    const std::string boot = std::exchange(boot_, "");
    Beat("edge-a", kDevice, last);
    boot_ = boot;
  }
};

TEST_F(JobEvidenceTest, ASmallBeatIsNoReboot) {
  SmallBeat(0);
  Beat("edge-a", kDevice, 0);
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("rebooted")));
  boot_ = "boot-2";
  Beat("edge-a", kDevice, 0);
  EXPECT_THAT(EventKinds(kDevice), Contains("rebooted"));
}

TEST_F(JobEvidenceTest, ARebootBehindSmallBeatsIsNoticed) {
  SmallBeat(0);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, 0);
  EXPECT_THAT(EventKinds(kDevice), Contains("rebooted"));
}

// The edge had sent it and was restarted before it could say so; then it had nothing to remove.
TEST_F(JobEvidenceTest, AResultOfACancelledJobCounts) {
  const uint64_t number = Create();
  Cancel();
  Event("edge-a", kDevice, number, kRemoved);
  ASSERT_EQ(State(), S::kCancelled);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
  EXPECT_THAT(EventKinds(kDevice), Contains("ran-although-cancelled"));
}

TEST_F(JobEvidenceTest, ALateResultOfARebootJobLeavesTheNextJobOpen) {
  Command command = RebootJob();
  command.mutable_create_job()->set_timeout_seconds(20);
  const uint64_t number = CreateAndSend(command);
  Create(2);
  Create(3);
  Pass(25);
  ASSERT_EQ(State(), S::kLost);
  ASSERT_EQ(State(2), S::kAtEdge);
  ResultOf("edge-a", kDevice, number);
  // It did not reboot that we know of.
  EXPECT_EQ(State(), S::kLost);
  EXPECT_EQ(Target(kJob, kDevice).output, "done");
  Event("edge-a", kDevice, NumberOf(2, kDevice), kSent, 1);
  Beat("edge-a", kDevice, NumberOf(2, kDevice), NumberOf(2, kDevice));
  EXPECT_EQ(State(2), S::kRunning);
  EXPECT_EQ(State(3), S::kQueued);
}

TEST_F(JobEvidenceTest, ALateResultOfARebootJobThatRebootedIsASuccess) {
  Command command = RebootJob();
  command.mutable_create_job()->set_timeout_seconds(20);
  const uint64_t number = CreateAndSend(command);
  Pass(25);
  ASSERT_EQ(State(), S::kLost);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, number);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobEvidenceTest, ALateResultOfAnEarlierAttemptDoesNotStartAWaitForAReboot) {
  Command command = RebootJob();
  command.mutable_create_job()->set_idempotent(true);
  const uint64_t number = CreateAndSend(command);
  Pass(1);
  boot_ = "boot-2";
  Beat("edge-a", kDevice, 0);
  ASSERT_EQ(State(), S::kAtEdge);
  const uint64_t second = NumberOf(kJob, kDevice);
  ASSERT_GT(second, number);
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kAtEdge);
  EXPECT_EQ(NumberOf(kJob, kDevice), second);
}

TEST_F(JobEvidenceTest, OneEdgeThatFindsItTooLongDoesNotEndWhatAnotherHasSent) {
  const uint64_t number = Create();
  Beat("edge-b", kDevice, 0);
  Event("edge-b", kDevice, number, kSent, 1);
  Event("edge-a", kDevice, number, kTooLong);
  EXPECT_EQ(State(), S::kSent);
  ResultOf("edge-b", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobEvidenceTest, WhatADeletedDeviceMayHaveRunIsLost) {
  CreateAndSend(JobCommand(kJob, {kDevice}));
  Create(2);
  Delete();
  EXPECT_EQ(State(), S::kLost);
  EXPECT_EQ(State(2), S::kCancelled);
}

TEST_F(JobEvidenceTest, WhatWasSentAndHeldIsLostWhenItsTimeIsOver) {
  const uint64_t first = CreateAndSend(JobCommand(1, {kDevice}));
  ResultOf("edge-a", kDevice, first);
  Beat("edge-a", kDevice, first);
  Command sent = JobCommand(2, {kDevice});
  sent.mutable_create_job()->set_not_after_us(NowUs() + 30'000'000);
  CreateAndSend(sent);
  Command unsent = JobCommand(3, {kDevice});
  unsent.mutable_create_job()->set_not_after_us(NowUs() + 30'000'000);
  CreateWith(unsent);
  Beat("edge-a", kDevice, 0);
  ASSERT_EQ(State(2), S::kHeld);
  ASSERT_EQ(State(3), S::kHeld);
  EXPECT_THAT(Target(2, kDevice).error, testing::HasSubstr("may have run"));
  EXPECT_THAT(Target(3, kDevice).error, Not(testing::HasSubstr("may have run")));
  Pass(60);
  EXPECT_EQ(State(2), S::kLost);
  EXPECT_EQ(State(3), S::kExpired);
}

TEST_F(JobEvidenceTest, ARunningJobLiesAtTheEdgeThatTheRouterMovesTo) {
  const uint64_t number = CreateAndSend(JobCommand(kJob, {kDevice}));
  Beat("edge-a", kDevice, number, number);
  ASSERT_EQ(State(), S::kRunning);
  Beat("edge-b", kDevice, number, number);
  const auto there = state_->FindEdgeJob("edge-b", DeviceId{kDevice});
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->number, number);
  ResultOf("edge-b", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
  EXPECT_FALSE(state_->FindEdgeJob("edge-b", DeviceId{kDevice}).has_value());
}

TEST_F(JobEvidenceTest, AnImpossibleNumberIsAnEventAndNoFloor) {
  const uint64_t nonsense = (uint64_t{1} << 62) - 1;
  Beat("edge-a", kDevice, nonsense);
  Beat("edge-a", kDevice, nonsense - 1);
  EXPECT_THAT(EventKinds(kDevice), Contains("impossible-number").Times(1));
  // Once more by a result.
  ResultOf("edge-a", kDevice, nonsense);
  EXPECT_THAT(EventKinds(kDevice), Contains("orphan-result"));
  Beat("edge-a", kDevice, 0);
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("router-state-went-back")));
  const uint64_t number = CreateAndSend(JobCommand(kJob, {kDevice}));
  EXPECT_LE(number, static_cast<uint64_t>(NowUs())) << "numbers go on as they were";
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
}

TEST_F(JobEvidenceTest, AnImpossibleNumberDoesNotSayThatTheOpenJobWasStarted) {
  const uint64_t number = CreateAndSend(JobCommand(kJob, {kDevice}));
  Beat("edge-a", kDevice, (uint64_t{1} << 62) - 1);
  EXPECT_EQ(State(), S::kSent);
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kRunning);
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("router-state-went-back")));
  Beat("edge-a", kDevice, (uint64_t{1} << 62) - 1);
  Beat("edge-a", kDevice, number - 1);
  EXPECT_THAT(EventKinds(kDevice), Contains("router-state-went-back"))
      << "nonsense in between hides no step down";
}

TEST_F(JobEvidenceTest, ANumberAboveAllThatWereGivenIsTakenUpToAYearAhead) {
  const uint64_t ahead = static_cast<uint64_t>(NowUs()) + uint64_t{300} * 86'400'000'000;
  Beat("edge-a", kDevice, ahead);
  EXPECT_THAT(EventKinds(kDevice), Contains("unknown-number"));
  EXPECT_EQ(Create(), ahead + 1);
}

TEST_F(JobEvidenceTest, ABeatBeforeTheRunnerCanHaveStoredTheNumberDoesNotCancel) {
  const uint64_t number = CreateAndSend(JobCommand(kJob, {kDevice}));
  Beat("edge-a", kDevice, 0);
  Cancel();
  EXPECT_EQ(State(), S::kSent) << "it may be starting at this moment";
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(State(), S::kSucceeded);
  EXPECT_THAT(EventKinds(kDevice), Not(Contains("ran-although-cancelled")));
}

TEST_F(JobEvidenceTest, ACancelledJobThatWasSentAfterAllWaitsForALaterBeat) {
  const uint64_t number = Create();
  Cancel();
  Event("edge-a", kDevice, number, kSent, 1);
  Event("edge-a", kDevice, number, kRemoved);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kSent);
  Pass(10);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(State(), S::kCancelled);
}

}  // namespace
}  // namespace muster::server
