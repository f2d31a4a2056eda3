// Copies of a state that goes on, and what becomes of a state that was restored.
#include <gmock/gmock.h>

#include <fstream>

#include "server/state/state_copy.h"
#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

constexpr uint64_t kDevice = 100;
constexpr char kLogId[] = "0123456789abcdef";

bool GoOn() { return false; }

class RestoredStateTest : public StateFixture {
 protected:
  void SetUp() override {
    SetUpInstallation();
    MakeDevice(kDevice);
  }

  std::string NewFile(const std::string& name) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path).close();
    return path;
  }

  // What a restore does to a state: another log, and all open work held.
  void Restore() {
    state_->StartNewLog(kLogId);
    const SqliteState::OpenWork work = state_->FindOpenWork();
    if (work.devices.empty()) return;
    Command command;
    for (const uint64_t device : work.devices) {
      command.mutable_hold_restored()->add_devices(device);
    }
    command.mutable_hold_restored()->set_reason("restored");
    ASSERT_TRUE(Apply(command).status.ok());
  }

  Outcome Release(uint64_t device) {
    Command command;
    command.mutable_release_hold()->set_device_id(device);
    command.mutable_release_hold()->set_organization_id(kOrganization);
    return Apply(command);
  }

  HoldKind HoldOf(uint64_t device) { return state_->FindDevice(DeviceId{device})->hold_kind; }
};

TEST_F(RestoredStateTest, ACopyIsTheStateOfOneMomentAndOpensByItself) {
  Apply(JobCommand(1, {kDevice}));
  const std::string then = state_->Dump();
  const uint64_t index = state_->AppliedPosition().index;
  const std::string copy = NewFile("copy.db");
  const auto facts = CopyState(folder_.path() + "/state.db", copy, "pki/none", GoOn);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->log_index, index);
  EXPECT_EQ(facts->cluster_id, std::string(16, 'c'));
  EXPECT_EQ(facts->device_count, 1u);
  EXPECT_EQ(facts->proof, "");
  Beat("edge-a", kDevice, 0);
  ASSERT_TRUE(CheckStateFile(copy).ok());
  auto opened = SqliteState::Open(copy);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->Dump(), then);
}

TEST_F(RestoredStateTest, ACopyKeepsOnlyEntriesThatItsStartNeeds) {
  Pass(100);
  const std::string copy = NewFile("copy.db");
  ASSERT_TRUE(CopyState(folder_.path() + "/state.db", copy, "", GoOn).ok());
  auto db = Database::Open(copy, Database::Mode::kRead);
  ASSERT_TRUE(db.ok());
  Query query(**db, "SELECT count(*) FROM entries");
  ASSERT_TRUE(query.Step());
  EXPECT_GT(query.Int(0), 0);
  EXPECT_LE(query.Int(0), 31);
}

TEST_F(RestoredStateTest, RefusesToCopyWhatIsNoStateOrNotSound) {
  const auto code = [&](const std::string& from) {
    return CopyState(from, NewFile("target.db"), "", GoOn).status().code();
  };
  EXPECT_EQ(code(folder_.path() + "/absent.db"), absl::StatusCode::kFailedPrecondition);
  const std::string empty = NewFile("empty.db");
  EXPECT_EQ(code(empty), absl::StatusCode::kFailedPrecondition);
  const std::string noise = NewFile("noise.db");
  std::ofstream(noise) << std::string(10'000, 'x');
  EXPECT_EQ(code(noise), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CheckStateFile(noise).code(), absl::StatusCode::kDataLoss);
}

TEST_F(RestoredStateTest, ACopyEndsWhenItIsAskedTo) {
  // Enough work that it asks at least once.
  for (uint64_t job = 1; job < 200; ++job) {
    Command command = JobCommand(job, {kDevice});
    command.mutable_create_job()->set_script(
        std::string(10'000, static_cast<char>('a' + job % 26)) + std::to_string(job));
    Apply(command);
  }
  const auto copied =
      CopyState(folder_.path() + "/state.db", NewFile("copy.db"), "", [] { return true; });
  EXPECT_EQ(copied.status().code(), absl::StatusCode::kCancelled) << copied.status();
}

TEST_F(RestoredStateTest, ANewLogBeginsWhereTheOldOneEnded) {
  Beat("edge-a", kDevice, 0);
  const std::string before = state_->Dump();
  const uint64_t index = state_->AppliedPosition().index;
  state_->StartNewLog(kLogId);
  EXPECT_EQ(state_->Dump(), before);
  EXPECT_EQ(state_->AppliedPosition(), (Position{kLogId, index}));
  // Nothing of the old log is needed, and what follows is replayed.
  Open();
  EXPECT_EQ(state_->Dump(), before);
  Beat("edge-a", kDevice, 0);
  const std::string after = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), after);
  EXPECT_EQ(state_->AppliedPosition().log_id, kLogId);
}

TEST_F(RestoredStateTest, ANodeOfAClusterIsAloneAfterwards) {
  auto transaction = state_->Begin();
  transaction->Apply(state_->AppliedPosition().index + 1, {});
  transaction->KeepEntry(EncodeEntry({}, {}));
  transaction->KeepEngineNote("cursor");
  transaction->Commit();
  ASSERT_EQ(state_->EngineNote(), "cursor");
  state_->StartNewLog(kLogId);
  EXPECT_EQ(state_->EngineNote(), "");
}

// As states have that were not made by enrolments alone.
TEST_F(RestoredStateTest, AStateWhoseSlabsWereNeverWrittenLosesNothing) {
  const std::string before = state_->Dump();
  state_.reset();
  {
    auto db = Database::Open(folder_.path() + "/state.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    (*db)->Execute("DELETE FROM slabs");
  }
  const std::string copy = NewFile("copy.db");
  ASSERT_TRUE(CopyState(folder_.path() + "/state.db", copy, "", GoOn).ok());
  auto opened = SqliteState::Open(copy);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->Dump(), before);
  (*opened)->StartNewLog(kLogId);
  opened->reset();
  opened = SqliteState::Open(copy);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->Dump(), before);
}

TEST_F(RestoredStateTest, JobsThatWaitedAreHeldUntilAnOperatorLetsThemGo) {
  Apply(JobCommand(1, {kDevice}));
  Apply(JobCommand(2, {kDevice}));
  ASSERT_EQ(StateOf(1, kDevice), JobTargetState::kAtEdge);
  const uint64_t number = NumberOf(1, kDevice);
  Restore();
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kHeld);
  EXPECT_EQ(StateOf(2, kDevice), JobTargetState::kHeld);
  EXPECT_EQ(HoldOf(kDevice), HoldKind::kRestored);
  EXPECT_THAT(EventKinds(kDevice), testing::Contains("control-plane-restored"));
  Say("edge-a", "new");
  Beat("edge-a", kDevice, 0);
  Pass(5);
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kHeld);
  EXPECT_THAT(state_->ListEdgeJobs("edge-a", DeviceId{}, 10), testing::IsEmpty());
  ASSERT_TRUE(Release(kDevice).status.ok());
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kAtEdge);
  EXPECT_EQ(StateOf(2, kDevice), JobTargetState::kQueued);
  EXPECT_GT(NumberOf(1, kDevice), number);
  EXPECT_EQ(HoldOf(kDevice), HoldKind::kNone);
}

TEST_F(RestoredStateTest, WhatRunsGoesOnToItsEnd) {
  Apply(JobCommand(1, {kDevice}));
  Apply(JobCommand(2, {kDevice}));
  const uint64_t number = NumberOf(1, kDevice);
  Event("edge-a", kDevice, number, 1, 1);
  Beat("edge-a", kDevice, number, number);
  ASSERT_EQ(StateOf(1, kDevice), JobTargetState::kRunning);
  Restore();
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kRunning);
  EXPECT_EQ(StateOf(2, kDevice), JobTargetState::kHeld);
  Say("edge-a", "new");
  ResultOf("edge-a", kDevice, number);
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kSucceeded);
  EXPECT_EQ(StateOf(2, kDevice), JobTargetState::kHeld);
}

TEST_F(RestoredStateTest, AJobThatWasSentIsNotSentAgainOnceItsRouterHasReportedIt) {
  Apply(JobCommand(1, {kDevice}));
  const uint64_t number = NumberOf(1, kDevice);
  Event("edge-a", kDevice, number, 1, 1);
  Restore();
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kHeld);
  Say("edge-a", "new");
  Beat("edge-a", kDevice, number);
  ASSERT_TRUE(Release(kDevice).status.ok());
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kLost);
}

TEST_F(RestoredStateTest, JobsThatMayHaveRunSinceTheBackupSaySo) {
  Apply(JobCommand(1, {kDevice}));
  Restore();
  Say("edge-a", "new");
  Beat("edge-a", kDevice, NumberOf(1, kDevice) + 1'000'000);
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kHeld);
  EXPECT_THAT(Target(1, kDevice).error, testing::HasSubstr("may have been this job"));
  EXPECT_THAT(EventKinds(kDevice), testing::Contains("unknown-number"));
}

TEST_F(RestoredStateTest, MembersThatAreNoTargetsYetAreHeldAsWell) {
  std::vector<uint64_t> members;
  for (uint64_t id = 1; id <= 1'000; ++id) members.push_back(1'000'000 + id);
  members.push_back(2'000'000);
  MakeDevice(2'000'000);
  Apply(JobCommand(1, members));
  ASSERT_NE(state_->NextJobToExpand(), 0u);
  Restore();
  Housekeep();
  EXPECT_EQ(StateOf(1, 2'000'000), JobTargetState::kHeld);
}

TEST_F(RestoredStateTest, UpgradesAreNamedAndDoNotHoldTheirDevices) {
  MakeDevice(101);
  Command command = JobCommand(1, {kDevice, 101});
  command.mutable_create_job()->clear_script();
  command.mutable_create_job()->mutable_agent()->set_version("2");
  command.mutable_create_job()->mutable_waves()->set_canary_count(1);
  const Outcome made = Apply(command);
  ASSERT_TRUE(made.status.ok()) << made.status;
  const SqliteState::OpenWork work = state_->FindOpenWork();
  EXPECT_THAT(work.devices, testing::IsEmpty());
  ASSERT_EQ(work.upgrades.size(), 1u);
  EXPECT_EQ(work.upgrades[0].first, JobId{1});
}

// Any doubt about the router itself stays, and replaces the lesser reason.
TEST_F(RestoredStateTest, OtherReasonsToHoldWeighMore) {
  Apply(JobCommand(1, {kDevice}));
  const uint64_t number = NumberOf(1, kDevice);
  ResultOf("edge-a", kDevice, number);
  Beat("edge-a", kDevice, number);
  Apply(JobCommand(2, {kDevice}));
  Restore();
  ASSERT_EQ(HoldOf(kDevice), HoldKind::kRestored);
  Say("edge-a", "new");
  Beat("edge-a", kDevice, number - 5);
  EXPECT_EQ(HoldOf(kDevice), HoldKind::kStateWentBack);
  Restore();
  EXPECT_EQ(HoldOf(kDevice), HoldKind::kStateWentBack);
}

TEST_F(RestoredStateTest, TheRestoreStandsInTheAuditWithItsRootKey) {
  Command command;
  auto& restore = *command.mutable_restore_state();
  restore.set_backup_id(std::string(16, 'b'));
  restore.set_backup_time_us(kStartUs);
  restore.mutable_root_api_key()->set_api_key_id(77);
  restore.mutable_root_api_key()->set_role(4);
  restore.mutable_root_api_key()->set_key_hash(Hash("new root"));
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_TRUE(state_->FindApiKeyByHash(Hash("new root")).has_value());
  EXPECT_TRUE(state_->FindApiKeyByHash(Hash("root")).has_value());
  bool told = false;
  for (const AuditEntry& entry : state_->ListAudit({}, 0, 1'000)) {
    told |= entry.summary == "restored this installation from a backup of 2023-11-14 22:13:20 UTC";
  }
  EXPECT_TRUE(told);
  // Refused as a whole, and nothing is written.
  restore.set_backup_id("short");
  EXPECT_FALSE(Apply(command).status.ok());
}

}  // namespace
}  // namespace muster::server
