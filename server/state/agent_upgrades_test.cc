// What becomes of an agent upgrade on each device, and of all of it.
#include <gmock/gmock.h>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::HasSubstr;
using S = JobTargetState;

constexpr uint64_t kJob = 500;

class AgentUpgradesTest : public StateFixture {
 protected:
  AgentUpgradesTest() {
    SetUpInstallation();
    for (uint64_t device = 101; device <= 104; ++device) {
      MakeDevice(device);
      Report(device, "1");
    }
  }

  // A beat that says what agent runs.
  void Report(uint64_t device, const std::string& agent, const std::string& roots = "") {
    Pass(1);
    Command command = Batch("edge-a", 2);
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(device);
    check_in.set_interval_seconds(30);
    check_in.set_boot(boot_);
    auto& facts = *check_in.mutable_facts();
    facts.set_identity(absl::StrCat("router-", device));
    facts.set_routeros_version("7.15.3 (stable)");
    facts.set_agent_version(agent);
    facts.set_router_roots(roots);
    ASSERT_TRUE(Apply(command).status.ok());
  }

  void Upgrade(uint32_t canary, uint32_t max_failures = 0) {
    Command command = JobCommand(kJob, {101, 102, 103, 104});
    auto& create = *command.mutable_create_job();
    create.clear_script();
    create.mutable_agent()->set_version("2");
    create.mutable_waves()->set_canary_count(canary);
    create.mutable_waves()->set_max_failures(max_failures);
    const Outcome outcome = Apply(command);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    Housekeep();
  }
  Device Find(uint64_t device) { return *state_->FindDevice(DeviceId{device}); }
};

TEST_F(AgentUpgradesTest, OffersTheTextToTheCanaryAloneAndToTheRestWhenItHasReportedTwice) {
  Upgrade(1);
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  EXPECT_TRUE(Find(101).offer_open);
  EXPECT_EQ(Find(101).offer_version, "2");
  EXPECT_FALSE(Find(102).offer_open);
  Report(101, "2");
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  Report(101, "2");
  Housekeep();
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
  EXPECT_EQ(StateOf(kJob, 104), S::kRunning);
  EXPECT_EQ(state_->FindJob(JobId{kJob}, true)->agent_version, "2");
  EXPECT_EQ(state_->FindJob(JobId{kJob}, true)->script, "");
}

TEST_F(AgentUpgradesTest, ChangedSettingsComeWithTheTextOfTheInstallationAsItIsNow) {
  const auto set_profile = [&](uint32_t profile, const std::string& version) {
    Command command;
    auto& terms = *command.mutable_set_agent_terms();
    terms.set_organization_id(kOrganization);
    terms.set_device_id(101);
    terms.set_profile(profile);
    terms.set_agent_version(version);
    return Apply(command).status;
  };
  ASSERT_TRUE(set_profile(2, "2").ok());
  Report(101, "2+1");
  ASSERT_TRUE(set_profile(3, "3").ok());
  EXPECT_EQ(Find(101).offer_version, "3");
  EXPECT_EQ(Find(101).agent_generation, 2U);
}

TEST_F(AgentUpgradesTest, ARouterThatIsBackOnTheOldAgentStopsTheJobAndEndsTheOffer) {
  Upgrade(1);
  Report(101, "2");
  Report(101, "1");
  Housekeep();
  EXPECT_EQ(StateOf(kJob, 101), S::kReverted);
  EXPECT_THAT(Target(kJob, 101).error, HasSubstr("back on agent 1, wanted 2"));
  EXPECT_FALSE(Find(101).offer_open);
  EXPECT_EQ(StateOf(kJob, 102), S::kCancelled);
  EXPECT_FALSE(Find(102).offer_open);
  EXPECT_EQ(state_->FindJob(JobId{kJob}, false)->stop_reason, "1 device failed, none may");
}

TEST_F(AgentUpgradesTest, SilenceAndThenTheOldAgentIsTheWorkOfItsGuard) {
  Upgrade(1);
  Pass(900);
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  Report(101, "1");
  EXPECT_EQ(StateOf(kJob, 101), S::kReverted);
}

TEST_F(AgentUpgradesTest, ARouterThatNeverComesBackIsLostAndOneThatNeverFetchesFails) {
  Upgrade(2, 5);
  for (int minute = 0; minute < 19; ++minute) {
    Pass(60);
    Report(102, "1");
  }
  Pass(120);
  EXPECT_EQ(StateOf(kJob, 101), S::kLost);
  EXPECT_EQ(StateOf(kJob, 102), S::kFailed);
  Housekeep();
  EXPECT_EQ(StateOf(kJob, 103), S::kRunning);
}

TEST_F(AgentUpgradesTest, OneThatRunsItAlreadySucceedsAtOnce) {
  Report(101, "2");
  Upgrade(1);
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
}

TEST_F(AgentUpgradesTest, NewSettingsAreTextOfTheNextGeneration) {
  Command command = JobCommand(kJob, {101});
  auto& create = *command.mutable_create_job();
  create.clear_script();
  create.mutable_agent()->set_version("2");
  create.mutable_agent()->add_urls("https://edge-2.example.net");
  create.mutable_waves()->set_canary_count(1);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  EXPECT_EQ(Find(101).agent_generation, 1U);
  for (int i = 0; i < 2; ++i) Report(101, "2");
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  for (int i = 0; i < 2; ++i) Report(101, "2+1");
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
}

TEST_F(AgentUpgradesTest, DoesNotStandInTheQueueOfJobs) {
  Upgrade(4);
  Apply(JobCommand(kJob + 1, {101}));
  EXPECT_EQ(StateOf(kJob + 1, 101), S::kAtEdge);
  Open();
  ResultOf("edge-a", 101, NumberOf(kJob + 1, 101));
  EXPECT_EQ(StateOf(kJob + 1, 101), S::kSucceeded);
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  for (int i = 0; i < 2; ++i) Report(101, "2");
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
}

TEST_F(AgentUpgradesTest, CancellingWithdrawsTheOfferAndJudgesByWhatTheRouterSays) {
  Upgrade(1);
  Command command;
  command.mutable_cancel_job()->set_job_id(kJob);
  command.mutable_cancel_job()->set_organization_id(kOrganization);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  EXPECT_FALSE(Find(101).offer_open);
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  EXPECT_EQ(StateOf(kJob, 102), S::kCancelled);
  for (int i = 0; i < 2; ++i) Report(101, "2");
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
}

TEST_F(AgentUpgradesTest, WaitsForItsBeginningAndForMaintenanceWindows) {
  Command site;
  site.mutable_update_device()->set_device_id(101);
  site.mutable_update_device()->set_organization_id(kOrganization);
  site.mutable_update_device()->set_site("riga");
  ASSERT_TRUE(Apply(site).status.ok());
  Command window;
  auto& set = *window.mutable_set_window();
  set.set_organization_id(kOrganization);
  set.set_name("night");
  set.set_site("riga");
  set.set_times("daily 01:00-02:00");
  set.set_time_zone("UTC");
  auto& interval = *set.add_intervals();
  interval.set_start_us(NowUs() + 1'000'000'000);
  interval.set_end_us(NowUs() + 4'000'000'000);
  ASSERT_TRUE(Apply(window).status.ok());
  Command command = JobCommand(kJob, {101, 102});
  auto& create = *command.mutable_create_job();
  create.clear_script();
  create.set_not_before_us(NowUs() + 300'000'000);
  create.set_not_after_us(NowUs() + 9'000'000'000);
  create.mutable_agent()->set_version("2");
  create.mutable_waves()->set_canary_count(2);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  Pass(290);
  EXPECT_EQ(StateOf(kJob, 102), S::kQueued) << "before its beginning";
  EXPECT_FALSE(Find(102).offer_open);
  Pass(20);
  EXPECT_EQ(StateOf(kJob, 102), S::kRunning);
  EXPECT_EQ(StateOf(kJob, 101), S::kQueued) << "its window is closed";
  EXPECT_FALSE(Find(101).offer_open);
  Pass(600);
  EXPECT_EQ(StateOf(kJob, 101), S::kQueued);
  Pass(200);
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning) << "its window has opened";
  EXPECT_TRUE(Find(101).offer_open);
}

TEST_F(AgentUpgradesTest, ADeletedWindowHoldsNothingBackAndOneMayBeIgnored) {
  Command window;
  auto& set = *window.mutable_set_window();
  set.set_organization_id(kOrganization);
  set.set_name("night");
  set.set_device_id(101);
  set.set_times("daily 01:00-02:00");
  set.set_time_zone("UTC");
  auto& interval = *set.add_intervals();
  interval.set_start_us(NowUs() + 80'000'000'000);
  interval.set_end_us(NowUs() + 84'000'000'000);
  ASSERT_TRUE(Apply(window).status.ok());
  Upgrade(1);
  Pass(10);
  ASSERT_EQ(StateOf(kJob, 101), S::kQueued);
  Command gone;
  gone.mutable_delete_window()->set_organization_id(kOrganization);
  gone.mutable_delete_window()->set_name("night");
  ASSERT_TRUE(Apply(gone).status.ok());
  Pass(70);
  EXPECT_EQ(StateOf(kJob, 101), S::kRunning);
  set.set_device_id(103);
  ASSERT_TRUE(Apply(window).status.ok());
  Command command = JobCommand(kJob + 1, {103});
  auto& create = *command.mutable_create_job();
  create.clear_script();
  create.set_ignore_windows(true);
  create.mutable_agent()->set_version("2");
  create.mutable_waves()->set_canary_count(1);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  EXPECT_EQ(StateOf(kJob + 1, 103), S::kRunning);
}

TEST_F(AgentUpgradesTest, OtherRootsAreTextOfTheNextGeneration) {
  Report(101, "2", "11111111");
  Command command = JobCommand(kJob, {101});
  auto& create = *command.mutable_create_job();
  create.clear_script();
  create.mutable_agent()->set_version("2");
  create.mutable_agent()->set_router_roots("11111111,22222222");
  create.mutable_waves()->set_canary_count(1);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  EXPECT_EQ(Find(101).agent_generation, 1u);
  for (int i = 0; i < 2; ++i) Report(101, "2+1", "11111111,22222222");
  EXPECT_EQ(StateOf(kJob, 101), S::kSucceeded);
  EXPECT_EQ(Find(101).router_roots, "11111111,22222222");
  create.set_job_id(kJob + 1);
  ASSERT_TRUE(Apply(command).status.ok());
  Housekeep();
  EXPECT_EQ(Find(101).agent_generation, 1u) << "it holds them already";
  EXPECT_EQ(StateOf(kJob + 1, 101), S::kSucceeded);
}

TEST_F(AgentUpgradesTest, WithoutWavesOrWithAScriptItIsMalformed) {
  Command command = JobCommand(kJob, {101});
  command.mutable_create_job()->mutable_agent()->set_version("2");
  command.mutable_create_job()->mutable_waves()->set_canary_count(1);
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
  command.mutable_create_job()->clear_script();
  command.mutable_create_job()->clear_waves();
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster::server
