// A job goes through its devices in waves, and stops after too many failures.
#include <gmock/gmock.h>

#include "server/state/database.h"
#include "server/state/schema.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using S = JobTargetState;

constexpr uint64_t kJob = 500;
constexpr uint32_t kOk = 1;
constexpr uint32_t kFailed = 2;

class JobWavesTest : public StateFixture {
 protected:
  JobWavesTest() {
    SetUpInstallation();
    for (uint64_t device = 101; device <= 107; ++device) MakeDevice(device);
  }

  Command WavesCommand(std::vector<uint64_t> devices, uint32_t canary, uint32_t batch,
                       uint32_t max_failures) {
    Command command = JobCommand(kJob, devices);
    auto& waves = *command.mutable_create_job()->mutable_waves();
    waves.set_canary_count(canary);
    waves.set_batch_size(batch);
    waves.set_max_failures(max_failures);
    return command;
  }

  void Create(uint32_t canary, uint32_t batch, uint32_t max_failures) {
    const auto command =
        WavesCommand({101, 102, 103, 104, 105, 106, 107}, canary, batch, max_failures);
    ASSERT_TRUE(Apply(command).status.ok());
    Housekeep();
  }

  // Sent, and a result.
  void End(uint64_t device, uint32_t status) {
    const uint64_t number = NumberOf(kJob, device);
    ASSERT_NE(number, 0U) << device;
    Event("edge-a", device, number, 1, 1);
    ResultOf("edge-a", device, number, status);
    Housekeep();
  }

  std::vector<S> States() {
    std::vector<S> states;
    for (uint64_t device = 101; device <= 107; ++device) states.push_back(StateOf(kJob, device));
    return states;
  }
  Job TheJob() { return *state_->FindJob(JobId{kJob}, false); }
};

TEST_F(JobWavesTest, ReleasesTheCanariesFirstAndTheNextWaveWhenAllOfThemHaveEnded) {
  Create(2, 3, 0);
  EXPECT_THAT(States(), ElementsAre(S::kAtEdge, S::kAtEdge, S::kQueued, S::kQueued, S::kQueued,
                                    S::kQueued, S::kQueued));
  EXPECT_EQ(TheJob().waves->open_wave, 1U);
  EXPECT_EQ(Target(kJob, 103).wave, 2U);
  EXPECT_EQ(Target(kJob, 107).wave, 3U);
  End(101, kOk);
  Beat("edge-a", 103, 0);
  EXPECT_EQ(StateOf(kJob, 103), S::kQueued);
  End(102, kOk);
  EXPECT_THAT(States(), ElementsAre(S::kSucceeded, S::kSucceeded, S::kAtEdge, S::kAtEdge,
                                    S::kAtEdge, S::kQueued, S::kQueued));
  for (uint64_t device = 103; device <= 107; ++device) End(device, kOk);
  EXPECT_NE(TheJob().end_time_us, 0);
  EXPECT_EQ(TheJob().stop_reason, "");
  EXPECT_EQ(state_->NextJobToExpand(), 0U);
}

TEST_F(JobWavesTest, StopsAtTheFirstFailureTooManyAndStartsNothingMore) {
  Create(2, 3, 0);
  End(101, kFailed);
  EXPECT_THAT(States(), ElementsAre(S::kFailed, S::kCancelling, S::kCancelled, S::kCancelled,
                                    S::kCancelled, S::kCancelled, S::kCancelled));
  Event("edge-a", 102, NumberOf(kJob, 102), 2);
  EXPECT_EQ(StateOf(kJob, 102), S::kCancelled);
  EXPECT_EQ(TheJob().stop_reason, "1 device failed, none may");
  EXPECT_THAT(Target(kJob, 107).error, HasSubstr("not started: 1 device failed"));
  EXPECT_NE(TheJob().end_time_us, 0);
  bool audited = false;
  for (const AuditEntry& entry :
       state_->ListAudit({.organization = OrganizationId{kOrganization}}, 0, 10)) {
    audited = audited || entry.summary.find("stopped the job") != std::string::npos;
  }
  EXPECT_TRUE(audited);
}

TEST_F(JobWavesTest, ReleasesNothingBetweenTheFailureAndTheHousekeeping) {
  Apply(WavesCommand({101, 102, 103}, 0, 2, 0));
  Housekeep();
  const uint64_t number = NumberOf(kJob, 101);
  Event("edge-a", 101, number, 1, 1);
  Event("edge-a", 102, NumberOf(kJob, 102), 2);
  ASSERT_EQ(StateOf(kJob, 102), S::kQueued);
  ResultOf("edge-a", 101, number, kFailed);
  Beat("edge-a", 102, 0);
  EXPECT_EQ(StateOf(kJob, 102), S::kQueued);
  Housekeep();
  EXPECT_EQ(StateOf(kJob, 102), S::kCancelled);
}

TEST_F(JobWavesTest, GoesOnWhileNoMoreFailThanMay) {
  Create(2, 5, 2);
  End(101, kFailed);
  End(102, kFailed);
  EXPECT_EQ(TheJob().waves->failure_count, 2U);
  EXPECT_EQ(StateOf(kJob, 103), S::kAtEdge);
  End(103, kFailed);
  EXPECT_EQ(TheJob().stop_reason, "3 devices failed, at most 2 may");
  // What was sent goes on, and its result counts as ever.
  EXPECT_EQ(StateOf(kJob, 104), S::kCancelling);
}

TEST_F(JobWavesTest, WhatWasSentBeforeTheStopEndsByItsResult) {
  Create(3, 2, 0);
  const uint64_t number = NumberOf(kJob, 102);
  Event("edge-a", 102, number, 1, 1);
  End(101, kFailed);
  EXPECT_EQ(StateOf(kJob, 102), S::kSent);
  ResultOf("edge-a", 102, number);
  EXPECT_EQ(StateOf(kJob, 102), S::kSucceeded);
}

TEST_F(JobWavesTest, CountsLostAndExpiredOfOpenWavesOnlyAndForgivesLateResults) {
  Command command = WavesCommand({101, 102, 103, 104}, 2, 1, 1);
  command.mutable_create_job()->set_not_after_us(NowUs() + 3'600'000'000);
  Apply(command);
  Housekeep();
  const uint64_t number = NumberOf(kJob, 101);
  Event("edge-a", 101, number, 1, 1);
  Beat("edge-a", 101, number);
  Pass(15);
  Beat("edge-a", 101, number);
  Housekeep();
  ASSERT_EQ(StateOf(kJob, 101), S::kLost);
  EXPECT_EQ(TheJob().waves->failure_count, 1U);
  ResultOf("edge-a", 101, number);
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
  EXPECT_EQ(TheJob().waves->failure_count, 0U);
  // 103 and 104 run out of time before their waves begin.
  Pass(3'700);
  Housekeep();
  EXPECT_EQ(StateOf(kJob, 102), S::kExpired);
  EXPECT_EQ(StateOf(kJob, 104), S::kExpired);
  EXPECT_EQ(TheJob().waves->failure_count, 1U);
  EXPECT_EQ(TheJob().stop_reason, "");
  EXPECT_NE(TheJob().end_time_us, 0);
}

TEST_F(JobWavesTest, CanariesMayStandOutOfOrderAndNoMemberTwice) {
  Command command = WavesCommand({105, 107, 101, 102, 103}, 2, 0, 0);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  EXPECT_EQ(Target(kJob, 105).wave, 1U);
  EXPECT_EQ(Target(kJob, 101).wave, 2U);
  EXPECT_EQ(StateOf(kJob, 107), S::kAtEdge);
  EXPECT_EQ(StateOf(kJob, 103), S::kQueued);
  Command twice = WavesCommand({105, 107, 101, 105}, 2, 0, 0);
  twice.mutable_create_job()->set_job_id(501);
  EXPECT_EQ(Apply(twice).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(JobWavesTest, SkipsWavesWithoutAnyoneAndEndsWhenCancelled) {
  Create(1, 2, 0);
  Command remove;
  for (const uint64_t device : {102, 103}) {
    remove.mutable_delete_device()->set_device_id(device);
    remove.mutable_delete_device()->set_organization_id(kOrganization);
    ASSERT_TRUE(Apply(remove).status.ok());
  }
  End(101, kOk);
  EXPECT_EQ(TheJob().waves->open_wave, 3U);
  EXPECT_EQ(StateOf(kJob, 104), S::kAtEdge);
  Command cancel;
  cancel.mutable_cancel_job()->set_job_id(kJob);
  cancel.mutable_cancel_job()->set_organization_id(kOrganization);
  ASSERT_TRUE(Apply(cancel).status.ok());
  for (const uint64_t device : {104, 105}) {
    Event("edge-a", device, NumberOf(kJob, device), 2);
  }
  Housekeep();
  EXPECT_NE(TheJob().end_time_us, 0);
  EXPECT_EQ(Target(kJob, 107).error, "");
}

TEST_F(JobWavesTest, StopsAJobWithoutWavesToo) {
  Create(0, 0, 1);
  EXPECT_EQ(StateOf(kJob, 107), S::kAtEdge);
  End(101, kFailed);
  EXPECT_EQ(StateOf(kJob, 107), S::kAtEdge);
  End(102, kFailed);
  EXPECT_EQ(StateOf(kJob, 107), S::kCancelling);
  EXPECT_EQ(TheJob().stop_reason, "2 devices failed, at most 1 may");
}

TEST_F(JobWavesTest, GoesOnAfterARestartBetweenAnyTwoSteps) {
  Apply(WavesCommand({101, 102, 103, 104}, 1, 2, 0));
  Open();
  EXPECT_NE(state_->NextJobToExpand(), 0U);
  Housekeep();
  const uint64_t number = NumberOf(kJob, 101);
  Event("edge-a", 101, number, 1, 1);
  ResultOf("edge-a", 101, number);
  Open();
  Housekeep();
  EXPECT_EQ(StateOf(kJob, 103), S::kAtEdge);
  EXPECT_EQ(StateOf(kJob, 104), S::kQueued);
  const std::string dump = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), dump);
}

TEST_F(JobWavesTest, OpensALargeWaveInBoundedSteps) {
  std::vector<uint64_t> members;
  ASSERT_TRUE(Apply(ClaimCommand(9, 3'000)).status.ok());
  for (uint64_t device = 10'000; device < 12'500; ++device) {
    Apply(EnrollCommand(9, device, absl::StrCat("nonce-", device)));
    members.push_back(device);
  }
  Command beats = Batch("edge-a", 2);
  for (const uint64_t device : members) {
    auto& check_in = *beats.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(device);
    check_in.set_interval_seconds(30);
  }
  Apply(beats);
  Apply(WavesCommand(members, 1, 0, 5));
  Housekeep();
  const size_t before = changes_.size();
  End(10'000, kOk);
  int released = 0;
  for (size_t at = before; at < changes_.size(); ++at) {
    released += changes_[at].kind == ChangeKind::kJobPut ? 1 : 0;
  }
  EXPECT_EQ(released, 2'499);
  EXPECT_EQ(TheJob().state_counts[static_cast<size_t>(S::kAtEdge)], 2'499U);
}

TEST(SchemaTest, BringsAFileOfVersion1ToThisVersionAndKeepsItsJobs) {
  const TempFolder folder;
  const std::string path = folder.path() + "/state.db";
  {
    auto db = Database::Open(path, Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(PrepareSchema(**db, 1).ok());
    (*db)->Run(
        "INSERT INTO jobs VALUES (?, 1, 7, x'00', 'old', 2, '', 3, 4, 5, 0, 1, 300, '', 'me', 1, "
        "1, 0, 0, 1, 0)",
        KeyOf(kJob));
    (*db)->Run(
        "INSERT INTO targets VALUES (?, ?, 8, 1, 0, 1, 0, 5, 3, 0, 0, '', 0, 0, x'', '', '', 0, "
        "'')",
        KeyOf(kJob), KeyOf(101));
  }
  auto state = SqliteState::Open(path);
  ASSERT_TRUE(state.ok()) << state.status();
  const auto job = (*state)->FindJob(JobId{kJob}, false);
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->description, "old");
  EXPECT_FALSE(job->waves.has_value());
  EXPECT_EQ((*state)->FindJobTarget(JobId{kJob}, DeviceId{101})->wave, 0U);
  auto db = Database::Open(path, Database::Mode::kReadWrite);
  ASSERT_TRUE(db.ok());
  Query query(**db, "PRAGMA user_version");
  ASSERT_TRUE(query.Step());
  EXPECT_EQ(query.Int(0), kSchemaVersion);
}

}  // namespace
}  // namespace muster::server
