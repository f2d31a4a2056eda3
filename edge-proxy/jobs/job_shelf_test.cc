#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge-proxy/jobs/job_shelf_fixture.h"

namespace muster::edge {
namespace {

TEST_F(JobShelfTest, SendsAJobAndReportsThatItDid) {
  shelf_.Put(NewJob(10));
  EXPECT_EQ(Ask(), "J10 hex :put 1.");
  ASSERT_EQ(events_.events.size(), 1u);
  EXPECT_EQ(events_.events[0].kind, JobEventKind::kSent);
  EXPECT_EQ(events_.events[0].times_sent, 1u);
  EXPECT_EQ(events_.events[0].boot_at_first_send, "boot1");
  EXPECT_EQ(events_.events[0].secret_check, "check");
  EXPECT_EQ(events_.events[0].number, 10u);
}

TEST_F(JobShelfTest, AnswersNothingForOtherDevices) {
  shelf_.Put(NewJob(10));
  asking_.device = DeviceId{6};
  EXPECT_EQ(Ask(), "0");
  EXPECT_TRUE(events_.events.empty());
}

TEST_F(JobShelfTest, SendsAtMostThreeTimes) {
  shelf_.Put(NewJob(10));
  for (int i = 0; i < 3; ++i) EXPECT_NE(Ask(), "0") << i;
  EXPECT_EQ(Ask(), "0");
  EXPECT_EQ(events_.events.size(), 3u);
  EXPECT_EQ(events_.events[2].times_sent, 3u);
}

TEST_F(JobShelfTest, CountsWhatOtherEdgesSent) {
  Job job = NewJob(10);
  job.times_sent = 2;
  job.boot_at_first_send = "boot1";
  shelf_.Put(job);
  EXPECT_NE(Ask(), "0");
  EXPECT_EQ(Ask(), "0");
}

TEST_F(JobShelfTest, DoesNotSendAgainAfterAReboot) {
  shelf_.Put(NewJob(10));
  EXPECT_NE(Ask(), "0");
  asking_.boot = "boot2";
  EXPECT_EQ(Ask(), "0");
}

TEST_F(JobShelfTest, DoesNotSendANumberThatTheRouterHasReported) {
  shelf_.Put(NewJob(9));
  EXPECT_EQ(Ask(), "0");
  shelf_.Put(NewJob(8));
  EXPECT_EQ(Ask(), "0");
}

TEST_F(JobShelfTest, WaitsWhileTheRouterRunsSomething) {
  shelf_.Put(NewJob(10));
  asking_.running_number = 9;
  EXPECT_EQ(Ask(), "0");
  asking_.running_number = 0;
  EXPECT_NE(Ask(), "0");
}

TEST_F(JobShelfTest, HoldsTheJobAfterTheRouterWentBackUntilItIsPutAgain) {
  shelf_.Put(NewJob(10));
  asking_.went_back = true;
  EXPECT_EQ(Ask(), "0");
  asking_.went_back = false;
  EXPECT_EQ(Ask(), "0");
  shelf_.Put(NewJob(10));
  EXPECT_NE(Ask(), "0");
}

TEST_F(JobShelfTest, KeepsToTheTimeWindow) {
  shelf_.Put(NewJob(10));
  now_ = absl::FromUnixSeconds(999);
  EXPECT_EQ(Ask(), "0");
  now_ = absl::FromUnixSeconds(2000);
  EXPECT_EQ(Ask(), "0");
  now_ = absl::FromUnixSeconds(1000);
  EXPECT_NE(Ask(), "0");
}

TEST_F(JobShelfTest, TheAgentsFormatDecides) {
  shelf_.Put(NewJob(10));
  asking_.decodes_hex = false;
  EXPECT_EQ(Ask(), "J10 esc :put 1.");
  asking_.decodes_escaped = false;
  EXPECT_EQ(Ask(), "0");
}

TEST_F(JobShelfTest, GivesBackAScriptThatIsTooLongForTheVersion) {
  shelf_.Put(NewJob(10));
  asking_.routeros_version = "small";
  EXPECT_EQ(Ask(), "0");
  ASSERT_EQ(events_.events.size(), 1u);
  EXPECT_EQ(events_.events[0].kind, JobEventKind::kTooLong);
  EXPECT_EQ(events_.events[0].times_sent, 0u);
  EXPECT_EQ(shelf_.size(), 0u);
}

TEST_F(JobShelfTest, RemovalIsReportedAlsoWhereNothingLies) {
  shelf_.Put(NewJob(10));
  shelf_.Remove(kDevice, 10, now_);
  shelf_.Remove(kDevice, 10, now_);
  EXPECT_EQ(Ask(), "0");
  ASSERT_EQ(events_.events.size(), 2u);
  EXPECT_EQ(events_.events[1].kind, JobEventKind::kRemoved);
}

TEST_F(JobShelfTest, RemovingAnOlderNumberLeavesTheJob) {
  shelf_.Put(NewJob(10));
  shelf_.Remove(kDevice, 9, now_);
  EXPECT_NE(Ask(), "0");
}

TEST_F(JobShelfTest, AReplacementRemovesWhatItDoesNotNameAndKeepsWhatWasSent) {
  shelf_.Put(NewJob(10));
  Job other = NewJob(11);
  other.device = DeviceId{6};
  shelf_.Put(other);
  EXPECT_NE(Ask(), "0");
  shelf_.ReplaceAll({NewJob(10)}, now_);
  ASSERT_EQ(events_.events.size(), 2u);
  EXPECT_EQ(events_.events[1].kind, JobEventKind::kRemoved);
  EXPECT_EQ(events_.events[1].number, 11u);
  EXPECT_NE(Ask(), "0");
  EXPECT_NE(Ask(), "0");
  EXPECT_EQ(Ask(), "0");
}

TEST_F(JobShelfTest, ExpiryIsReportedOnlyForWhatWasNeverSent) {
  shelf_.Put(NewJob(10));
  Job sent = NewJob(11);
  sent.device = DeviceId{6};
  sent.times_sent = 1;
  shelf_.Put(sent);
  shelf_.DropExpired(absl::FromUnixSeconds(1999));
  EXPECT_EQ(shelf_.size(), 2u);
  shelf_.DropExpired(absl::FromUnixSeconds(2000));
  EXPECT_EQ(shelf_.size(), 0u);
  ASSERT_EQ(events_.events.size(), 1u);
  EXPECT_EQ(events_.events[0].kind, JobEventKind::kExpired);
  EXPECT_EQ(events_.events[0].number, 10u);
}

TEST_F(JobShelfTest, WhatDoesNotFitOneReplyGoesInPartsToAnAgentThatTakesThem) {
  asking_.routeros_version = "small";
  asking_.takes_parts = true;
  shelf_.Put(NewJob(10));
  EXPECT_EQ(shelf_.PartFor(kDevice, 10, 1).status().code(), absl::StatusCode::kNotFound)
      << "it was not announced yet";
  EXPECT_EQ(Ask(), "L10 6");
  ASSERT_EQ(events_.events.size(), 1u);
  EXPECT_EQ(events_.events[0].kind, JobEventKind::kSent);
  EXPECT_EQ(*shelf_.PartFor(kDevice, 10, 1), "P10 1 hex :put.");
  EXPECT_EQ(*shelf_.PartFor(kDevice, 10, 2), "P10 2 hex  1.");
  EXPECT_FALSE(shelf_.PartFor(kDevice, 10, 3).ok());
  EXPECT_FALSE(shelf_.PartFor(kDevice, 9, 1).ok());
  EXPECT_FALSE(shelf_.PartFor(DeviceId{6}, 10, 1).ok());
  // The control plane says it once more while the router fetches.
  shelf_.Put(NewJob(10));
  EXPECT_TRUE(shelf_.PartFor(kDevice, 10, 2).ok());
  shelf_.Remove(kDevice, 10, now_);
  EXPECT_FALSE(shelf_.PartFor(kDevice, 10, 2).ok());
}

TEST_F(JobShelfTest, AWholeJobHasNoParts) {
  asking_.takes_parts = true;
  shelf_.Put(NewJob(10));
  EXPECT_EQ(Ask(), "J10 hex :put 1.");
  EXPECT_FALSE(shelf_.PartFor(kDevice, 10, 1).ok());
}

TEST_F(JobShelfTest, AStopIsToldWhileThatJobRuns) {
  shelf_.Stop(kDevice, 9, now_);
  EXPECT_EQ(Ask(), "0") << "it does not run";
  shelf_.Stop(kDevice, 9, now_);
  asking_.running_number = 9;
  EXPECT_EQ(Ask(), "K9");
  EXPECT_EQ(Ask(), "K9");
  asking_.running_number = 0;
  EXPECT_EQ(Ask(), "0");
  asking_.running_number = 9;
  EXPECT_EQ(Ask(), "0") << "it was over";
  EXPECT_TRUE(events_.events.empty());
}

TEST_F(JobShelfTest, AStopOfAJobThatHasNotBegunWaitsForIt) {
  shelf_.Stop(kDevice, 10, now_);
  EXPECT_EQ(Ask(), "0");
  asking_.highest_reported = asking_.running_number = 10;
  EXPECT_EQ(Ask(), "K10");
  now_ += absl::Minutes(61);
  shelf_.DropExpired(now_);
  EXPECT_EQ(Ask(), "0") << "nobody has asked for it since";
}

TEST_F(JobShelfTest, SecretsAreFilledInWhenItIsSentAndKnownUntilItsAnswer) {
  Job job = NewJob(10);
  job.script = ":put {{secret:key}}";
  job.secrets.push_back({"key", Secret("hunter2")});
  shelf_.Put(job);
  EXPECT_EQ(Ask(), "J10 hex :put \"hunter2\".");
  shelf_.Remove(kDevice, 10, now_);
  ASSERT_EQ(shelf_.SecretsOf(kDevice, 10).size(), 1u);
  EXPECT_EQ(shelf_.SecretsOf(kDevice, 10)[0].value.Reveal(), "hunter2");
  EXPECT_TRUE(shelf_.SecretsOf(kDevice, 11).empty());
  EXPECT_TRUE(shelf_.SecretsOf(DeviceId{6}, 10).empty());
  shelf_.DropExpired(now_ + absl::Hours(25));
  EXPECT_TRUE(shelf_.SecretsOf(kDevice, 10).empty());
}

TEST_F(JobShelfTest, ASecretThatCantStandInItsPlaceIsReportedAndNothingIsSent) {
  Job job = NewJob(10);
  job.script = ":put a{{secret:key}}";
  job.secrets.push_back({"key", Secret("two words")});
  shelf_.Put(job);
  EXPECT_EQ(Ask(), "0");
  ASSERT_EQ(events_.events.size(), 1u);
  EXPECT_EQ(events_.events[0].kind, JobEventKind::kUnfit);
  EXPECT_EQ(shelf_.size(), 0u);
}

TEST_F(JobShelfTest, TheLengthCountsWithTheSecretsFilledIn) {
  Job job = NewJob(10);
  job.script = "{{secret:k}}";
  job.secrets.push_back({"k", Secret("1234")});
  asking_.routeros_version = "small";
  shelf_.Put(job);
  EXPECT_EQ(Ask(), "J10 hex 1234.");
}

}  // namespace
}  // namespace muster::edge
