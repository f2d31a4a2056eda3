// Who is online as apply decides it, and the order in which devices changed.
#include "server/state/apply/presence.h"

#include <gmock/gmock.h>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kDevice = 100;
constexpr uint64_t kOther = 12;
constexpr OnlineState kOnline = OnlineState::kOnline;
constexpr OnlineState kOffline = OnlineState::kOffline;
constexpr OnlineState kUnknown = OnlineState::kUnknown;
constexpr OnlineState kNever = OnlineState::kNever;

class PresenceTest : public StateFixture {
 protected:
  // The edge says that all is here up to a while ago.
  void WatermarkOfThePast(const std::string& edge, int64_t seconds_ago) {
    Command command;
    auto& mark = *command.mutable_edge_watermark();
    mark.set_edge_id(edge);
    mark.set_spool_id(sessions_[edge].spool);
    mark.set_session_epoch(sessions_[edge].epoch);
    mark.set_live_number(sessions_[edge].numbers[2]);
    mark.set_time_us(NowUs() - seconds_ago * 1'000'000);
    ASSERT_TRUE(Apply(command).status.ok());
  }

  // Time goes on while the edge speaks.
  void PassWithEdge(int64_t seconds, const std::string& edge = "edge-a") {
    for (int64_t i = 0; i < seconds; ++i) {
      Watermark(edge);
      Pass(1);
    }
  }

  // What a watch is told behind its place; the place moves.
  std::vector<uint64_t> Told(ChangePlace* place, uint64_t organization = kOrganization) {
    std::vector<uint64_t> told;
    while (true) {
      const std::vector<Device> page =
          state_->ListChangedDevices(OrganizationId{organization}, *place, 2);
      for (const Device& device : page) {
        told.push_back(device.id.value);
        *place = {device.change_index, device.id};
      }
      if (page.size() < 2) return told;
    }
  }

  // A check-in of a while ago that arrives now.
  void BeatOfThePast(uint64_t device, int64_t seconds_ago) {
    Command command = Batch("edge-a", 3);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(device);
    check_in.set_interval_seconds(30);
    check_in.set_boot(boot_);
    check_in.set_time_delta_us(-seconds_ago * 1'000'000);
    ASSERT_TRUE(Apply(command).status.ok());
  }

  void MakeOtherOrganization() {
    Command command;
    command.mutable_create_organization()->set_organization_id(kOther);
    command.mutable_create_organization()->set_slug("other");
    ASSERT_TRUE(Apply(command).status.ok());
  }

  void Move(uint64_t device, uint64_t from, uint64_t to) {
    Command command;
    command.mutable_move_device()->set_device_id(device);
    command.mutable_move_device()->set_organization_id(from);
    command.mutable_move_device()->set_to_organization_id(to);
    const Outcome outcome = Apply(command);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  }

  void MakeManyDevices(uint64_t first, uint64_t count) {
    Command claim = ClaimCommand(first, static_cast<uint32_t>(count));
    ASSERT_TRUE(Apply(claim).status.ok());
    std::vector<Command> commands;
    for (uint64_t id = first; id < first + count; ++id) {
      commands.push_back(EnrollCommand(first, id, absl::StrCat("nonce-", id)));
    }
    Apply(commands);
    Command batch = Batch("edge-a", 2);
    for (uint64_t id = first; id < first + count; ++id) {
      auto& check_in = *batch.mutable_edge_batch()->add_check_ins();
      check_in.set_device_id(id);
      check_in.set_interval_seconds(30);
    }
    ASSERT_TRUE(Apply(batch).status.ok());
  }

  int CountOffline() const {
    int count = 0;
    state_->ScanStatuses(OrganizationId{kOrganization}, [&](DeviceId, const DeviceStatus& status) {
      count += status.online == kOffline ? 1 : 0;
      return true;
    });
    return count;
  }
};

TEST_F(PresenceTest, ADeviceIsOfflineWhenTheWatermarkOfItsEdgeHasPassedItsDeadline) {
  SetUpInstallation();
  ASSERT_TRUE(Apply(ClaimCommand(kDevice, 1)).status.ok());
  Apply(EnrollCommand(kDevice, kDevice, "nonce"));
  EXPECT_EQ(Online(kDevice), kNever);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Online(kDevice), kOnline);
  PassWithEdge(92);
  EXPECT_EQ(Online(kDevice), kOnline) << "three intervals and two seconds have just passed";
  PassWithEdge(2);
  EXPECT_EQ(Online(kDevice), kOffline);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(Online(kDevice), kOnline);
}

TEST_F(PresenceTest, ADeviceIsUnknownWhereItsEdgeIsSilentAndStaysSoUntilSomethingIsProved) {
  SetUpInstallation();
  MakeDevice(kDevice);
  MakeDevice(101);
  const int64_t beaten = NowUs();
  Watermark("edge-a");
  Pass(100);
  EXPECT_EQ(Online(kDevice), kUnknown);
  // The edge is back and has not caught up yet: it says nothing of its routers.
  WatermarkOfThePast("edge-a", (NowUs() - beaten) / 1'000'000 - 30);
  Pass(1);
  EXPECT_EQ(Online(kDevice), kUnknown);
  Beat("edge-a", 101, 0);
  EXPECT_EQ(Online(101), kOnline);
  PassWithEdge(2);
  EXPECT_EQ(Online(kDevice), kOffline);
  EXPECT_EQ(Online(101), kOnline);
}

TEST_F(PresenceTest, ACheckInOfATimeThatIsOverBringsNoDeviceBack) {
  SetUpInstallation();
  MakeDevice(kDevice);
  PassWithEdge(300);
  ASSERT_EQ(Online(kDevice), kOffline);
  // It had reached the edge two minutes later than the last one that came through, and died then.
  BeatOfThePast(kDevice, 180);
  EXPECT_EQ(Online(kDevice), kOffline);
  BeatOfThePast(kDevice, 20);
  EXPECT_EQ(Online(kDevice), kOnline);
  PassWithEdge(80);
  EXPECT_EQ(Online(kDevice), kOffline);
}

TEST_F(PresenceTest, ALogWhoseTimeIsAheadOfTheEdgesKeepsNobodyAway) {
  SetUpInstallation();
  MakeDevice(kDevice);
  constexpr int64_t kAhead = 3'600;
  Command tick;
  tick.mutable_tick()->set_time_us(NowUs() + kAhead * 1'000'000);
  Apply(tick);
  for (int second = 0; second < 100; ++second) {
    if (second % 30 == 0) BeatOfThePast(kDevice, kAhead);
    WatermarkOfThePast("edge-a", kAhead);
    Pass(1);
  }
  EXPECT_EQ(Online(kDevice), kOnline) << "its beats come, and no watermark has passed them";
  Pass(10);
  EXPECT_EQ(Online(kDevice), kUnknown);
  WatermarkOfThePast("edge-a", kAhead);
  BeatOfThePast(kDevice, kAhead);
  EXPECT_EQ(Online(kDevice), kOnline);
}

TEST_F(PresenceTest, AnEdgeThatWasRevokedHasNoSayOnceAnotherOneHearsTheDevice) {
  SetUpInstallation();
  MakeDevice(kDevice);
  Watermark("edge-a");
  Command revoke;
  revoke.mutable_revoke_edge()->set_edge_id("edge-a");
  ASSERT_TRUE(Apply(revoke).status.ok());
  PassWithEdge(100, "edge-b");
  EXPECT_EQ(Online(kDevice), kUnknown);
  Beat("edge-b", kDevice, 0);
  EXPECT_EQ(Online(kDevice), kOnline);
  PassWithEdge(94, "edge-b");
  EXPECT_EQ(Online(kDevice), kOffline);
}

TEST_F(PresenceTest, NobodyGoesOfflineForAMinuteAfterAJumpOfTime) {
  SetUpInstallation();
  MakeDevice(kDevice);
  Watermark("edge-a");
  Command tick;
  tick.mutable_tick()->set_time_us(NowUs() + 3'600'000'000);
  Apply(tick);
  PassWithEdge(59);
  EXPECT_EQ(Online(kDevice), kOnline);
  PassWithEdge(2);
  EXPECT_EQ(Online(kDevice), kOffline);
}

TEST_F(PresenceTest, EachTurnIsToldOnce) {
  SetUpInstallation();
  MakeDevice(kDevice);
  EXPECT_EQ(CountChanges(ChangeKind::kDeviceOnline), 1) << "the first check-in";
  ChangePlace place;
  EXPECT_THAT(Told(&place), ElementsAre(kDevice));
  Beat("edge-a", kDevice, 0);
  EXPECT_THAT(Told(&place), IsEmpty()) << "a check-in alone is no change";
  PassWithEdge(100);
  EXPECT_EQ(CountChanges(ChangeKind::kDeviceOnline), 2);
  EXPECT_THAT(Told(&place), ElementsAre(kDevice));
  PassWithEdge(100);
  EXPECT_THAT(Told(&place), IsEmpty());
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(CountChanges(ChangeKind::kDeviceOnline), 3);
  EXPECT_THAT(Told(&place), ElementsAre(kDevice));
}

TEST_F(PresenceTest, IsTheSameAfterAStart) {
  SetUpInstallation();
  for (uint64_t id = 100; id < 103; ++id) MakeDevice(id);
  PassWithEdge(60);
  Beat("edge-a", 101, 0);
  PassWithEdge(40);
  MakeEdge("edge-c");
  Beat("edge-c", 102, 0);
  Pass(110);
  const std::vector<OnlineState> before = {Online(100), Online(101), Online(102)};
  ASSERT_THAT(before, ElementsAre(kOffline, kUnknown, kUnknown));
  const std::string dump = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), dump);
  EXPECT_THAT((std::vector<OnlineState>{Online(100), Online(101), Online(102)}),
              testing::ElementsAreArray(before));
  // Deadlines are known again too.
  Beat("edge-a", 100, 0);
  Open();
  PassWithEdge(100);
  EXPECT_EQ(Online(100), kOffline);
}

TEST_F(PresenceTest, ADeletedDeviceIsNoLongerJudged) {
  SetUpInstallation();
  MakeDevice(kDevice);
  Command command;
  command.mutable_delete_device()->set_device_id(kDevice);
  command.mutable_delete_device()->set_organization_id(kOrganization);
  ASSERT_TRUE(Apply(command).status.ok());
  ChangePlace place;
  EXPECT_THAT(Told(&place), ElementsAre(kDevice)) << "as a tombstone";
  EXPECT_EQ(Online(kDevice), kOffline);
  PassWithEdge(100);
  EXPECT_THAT(Told(&place), IsEmpty());
}

TEST_F(PresenceTest, AnOutageOfManyIsDecidedOverSomeTicksAndNoneIsForgotten) {
  SetUpInstallation();
  constexpr int kMany = 10'500;
  for (int made = 0; made < kMany; made += 1'500) {
    MakeManyDevices(1'000 + static_cast<uint64_t>(made), 1'500);
  }
  for (int i = 0; i < 18; ++i) Pass(5);
  Watermark("edge-a");
  Pass(4);
  Watermark("edge-a");
  Pass(1);
  EXPECT_EQ(CountOffline(), 10'000);
  Pass(1);
  EXPECT_EQ(CountOffline(), kMany);
}

TEST_F(PresenceTest, DevicesComeInTheOrderOfTheirLastChanges) {
  SetUpInstallation();
  for (uint64_t id = 100; id < 105; ++id) MakeDevice(id);
  ChangePlace place;
  EXPECT_THAT(Told(&place), ElementsAre(100, 101, 102, 103, 104));
  const auto rename = [&](uint64_t device) {
    Command command;
    command.mutable_update_device()->set_device_id(device);
    command.mutable_update_device()->set_organization_id(kOrganization);
    command.mutable_update_device()->set_display_name("new");
    return command;
  };
  const ChangePlace before = place;
  for (const Outcome& outcome : Apply({rename(103), rename(101)})) {
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  }
  Apply(rename(100));
  EXPECT_THAT(Told(&place), ElementsAre(101, 103, 100)) << "of one entry in order of their ids";
  // From the middle of an entry on.
  const uint64_t entry = state_->FindDevice(DeviceId{101})->change_index;
  ChangePlace middle{entry, DeviceId{101}};
  EXPECT_THAT(Told(&middle), ElementsAre(103, 100));
  // One that changes again is told once, at its new place.
  Apply(rename(103));
  ChangePlace again = before;
  EXPECT_THAT(Told(&again), ElementsAre(101, 100, 103));
}

TEST_F(PresenceTest, ADeviceThatWasMovedAwayIsToldToBothOrganizations) {
  SetUpInstallation();
  MakeOtherOrganization();
  MakeDevice(100);
  MakeDevice(101);
  ChangePlace here;
  ChangePlace there;
  Told(&here);
  Move(100, kOrganization, kOther);
  const std::vector<Device> left =
      state_->ListChangedDevices(OrganizationId{kOrganization}, here, 10);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id.value, 100U);
  EXPECT_FALSE(left[0].organization) << "where it went is nobody's business here";
  EXPECT_THAT(Told(&here), ElementsAre(100));
  EXPECT_THAT(Told(&there, kOther), ElementsAre(100));
  // Back again: a device and no departure.
  Move(100, kOther, kOrganization);
  ChangePlace all;
  EXPECT_THAT(Told(&all), ElementsAre(101, 100));
  EXPECT_THAT(Told(&here), ElementsAre(100));
  EXPECT_THAT(Told(&there, kOther), ElementsAre(100));
}

TEST_F(PresenceTest, BelowItsFeatureLevelItIsJudgedWhenItIsReadAndLeavesNoRows) {
  feature_level_ = kPresenceLevel - 1;
  SetUpInstallation();
  MakeDevice(kDevice);
  PassWithEdge(100);
  EXPECT_EQ(Online(kDevice), kOffline);
  EXPECT_EQ(CountChanges(ChangeKind::kDeviceOnline), 1);
  EXPECT_EQ(state_->FindDevice(DeviceId{kDevice})->change_index, 0U);
  Command command;
  command.mutable_finalize_upgrade()->set_level(kPresenceLevel);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(Online(kDevice), kOffline) << "at once";
  EXPECT_EQ(CountChanges(ChangeKind::kDeviceOnline), 2);
  EXPECT_NE(state_->FindDevice(DeviceId{kDevice})->change_index, 0U);
}

}  // namespace
}  // namespace muster::server
