// Jobs start in maintenance windows only.
#include <gmock/gmock.h>

#include "server/state/state_fixture.h"
#include "server/state/window_rules.h"

namespace muster::server {
namespace {

using S = JobTargetState;

constexpr uint64_t kDevice = 100;
constexpr uint64_t kJob = 500;
constexpr int64_t kHourUs = 3'600'000'000;

class WindowsTest : public StateFixture {
 protected:
  WindowsTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
    Command command;
    auto& update = *command.mutable_update_device();
    update.set_device_id(kDevice);
    update.set_organization_id(kOrganization);
    update.set_site("riga");
    EXPECT_TRUE(Apply(command).status.ok());
  }

  // Open from `start` to `end` hours from now.
  Command Window(const std::string& name, const std::string& site, int64_t start, int64_t end) {
    Command command;
    auto& set = *command.mutable_set_window();
    set.set_organization_id(kOrganization);
    set.set_name(name);
    set.set_site(site);
    set.set_times("daily 01:00-02:00");
    set.set_time_zone("UTC");
    auto& interval = *set.add_intervals();
    interval.set_start_us(NowUs() + start * kHourUs);
    interval.set_end_us(NowUs() + end * kHourUs);
    return command;
  }
};

TEST_F(WindowsTest, HoldAJobUntilTheyOpenAndLetEdgesSendItOnlyUntilTheyClose) {
  ASSERT_TRUE(Apply(Window("night", "riga", 1, 2)).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
  const int64_t end_us = state_->ListWindows(OrganizationId{kOrganization})[0].intervals[0].end_us;
  Pass(3'700);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  EXPECT_EQ(state_->FindEdgeJob("edge-a", DeviceId{kDevice})->not_after_us, end_us);
}

TEST_F(WindowsTest, AJobThatWasNotSentBeforeTheWindowClosedWaitsForTheNext) {
  Command command = Window("night", "riga", 0, 1);
  auto& later = *command.mutable_set_window()->add_intervals();
  later.set_start_us(NowUs() + 2 * kHourUs);
  later.set_end_us(NowUs() + 3 * kHourUs);
  ASSERT_TRUE(Apply(command).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  const uint64_t first = NumberOf(kJob, kDevice);
  ASSERT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  Pass(3'601);
  Event("edge-a", kDevice, first, 3);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
  Pass(3'700);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  EXPECT_GT(NumberOf(kJob, kDevice), first);
}

TEST_F(WindowsTest, TheSameWhereTheRouterShowsThatItWasNotStarted) {
  ASSERT_TRUE(Apply(Window("night", "riga", 0, 1)).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  ASSERT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  // This beat may have come before the job did.
  Pass(3'600 + 30);
  Beat("edge-a", kDevice, 0);
  Pass(60);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  Beat("edge-a", kDevice, 0);
  Pass(601);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
}

TEST_F(WindowsTest, AJobThatASilentEdgeMayHaveSentGetsNoSecondNumber) {
  Command command = Window("night", "riga", 0, 1);
  auto& later = *command.mutable_set_window()->add_intervals();
  later.set_start_us(NowUs() + 2 * kHourUs);
  later.set_end_us(NowUs() + 3 * kHourUs);
  ASSERT_TRUE(Apply(command).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  const uint64_t number = NumberOf(kJob, kDevice);
  // Its edge sends it and is cut off; the next window is open when it comes back.
  Pass(2 * 3'600 + 601);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  Beat("edge-a", kDevice, number);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kRunning);
  EXPECT_EQ(NumberOf(kJob, kDevice), number);
}

TEST_F(WindowsTest, AreForTheirOwnDevicesOnlyAndOneThatIsOpenIsEnough) {
  ASSERT_TRUE(Apply(Window("elsewhere", "tartu", 1, 2)).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  EXPECT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
  ResultOf("edge-a", kDevice, NumberOf(kJob, kDevice));
  ASSERT_TRUE(Apply(Window("late", "riga", 5, 6)).status.ok());
  ASSERT_TRUE(Apply(Window("now", "riga", 0, 1)).status.ok());
  Apply(JobCommand(kJob + 1, {kDevice}));
  EXPECT_EQ(StateOf(kJob + 1, kDevice), S::kAtEdge);
}

TEST_F(WindowsTest, AJobMayIgnoreThemAndGoesPastOneThatWaits) {
  ASSERT_TRUE(Apply(Window("night", "riga", 1, 2)).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  Command command = JobCommand(kJob + 1, {kDevice});
  command.mutable_create_job()->set_ignore_windows(true);
  Apply(command);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kQueued);
  EXPECT_EQ(StateOf(kJob + 1, kDevice), S::kAtEdge);
  EXPECT_TRUE(state_->FindJob(JobId{kJob + 1}, false)->ignore_windows);
}

TEST_F(WindowsTest, DeletingLetsJobsGoAtTheNextBeat) {
  ASSERT_TRUE(Apply(Window("night", "riga", 1, 2)).status.ok());
  Apply(JobCommand(kJob, {kDevice}));
  Command command;
  command.mutable_delete_window()->set_organization_id(kOrganization);
  command.mutable_delete_window()->set_name("night");
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kNotFound);
  Beat("edge-a", kDevice, 0);
  EXPECT_EQ(StateOf(kJob, kDevice), S::kAtEdge);
}

TEST_F(WindowsTest, ARenewalCountsOnlyForTheSameTimes) {
  ASSERT_TRUE(Apply(Window("night", "riga", 1, 2)).status.ok());
  Command command;
  auto& renew = *command.mutable_renew_window();
  renew.set_organization_id(kOrganization);
  renew.set_name("night");
  renew.set_times("daily 01:00-02:00");
  renew.set_time_zone("Europe/Riga");
  renew.add_intervals()->set_end_us(5);
  EXPECT_TRUE(Apply(command).status.ok());
  EXPECT_NE(state_->ListWindows(OrganizationId{kOrganization})[0].intervals[0].end_us, 5);
  renew.set_time_zone("UTC");
  EXPECT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(state_->ListWindows(OrganizationId{kOrganization})[0].intervals[0].end_us, 5);
  renew.add_intervals()->set_end_us(4);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WindowsTest, ForTwoThingsOrNothingTheyAreMalformed) {
  Command command = Window("night", "", 1, 2);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
  command.mutable_set_window()->set_site("riga");
  command.mutable_set_window()->set_label_key("role");
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(WindowRulesTest, SayWhichOneOpensNextOrClosesLast) {
  MaintenanceWindow a;
  a.name = "a";
  a.intervals = {{10, 20}, {50, 60}};
  MaintenanceWindow b;
  b.name = "b";
  b.intervals = {{15, 30}};
  EXPECT_TRUE(StateOfWindows({}, 5).open);
  WindowState state = StateOfWindows({a, b}, 5);
  EXPECT_FALSE(state.open);
  EXPECT_EQ(state.name, "a");
  EXPECT_EQ(state.until_us, 10);
  state = StateOfWindows({a, b}, 16);
  EXPECT_TRUE(state.open);
  EXPECT_EQ(state.until_us, 30);
  state = StateOfWindows({a, b}, 60);
  EXPECT_FALSE(state.open);
  EXPECT_EQ(state.until_us, 0);
  EXPECT_EQ(state.name, "a");
}

}  // namespace
}  // namespace muster::server
