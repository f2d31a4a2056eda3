// Commands that no proposer of ours writes: each is refused alike on all nodes or does no harm, and
// none stops the process or leaves a state that a restart would read differently.
#include <gmock/gmock.h>

#include <limits>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

constexpr uint64_t kDevice = 100;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

class HostileCommandsTest : public StateFixture {
 protected:
  HostileCommandsTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
    MakeDevice(kDevice + 1);
  }

  Command Extend(uint64_t job, const std::vector<uint64_t>& members, bool more = false) {
    Command command;
    command.mutable_extend_job()->set_job_id(job);
    command.mutable_extend_job()->set_more_members(more);
    for (const uint64_t member : members) command.mutable_extend_job()->add_members(member);
    return command;
  }
  Command Expand(uint64_t job) {
    Command command;
    command.mutable_expand_job()->set_job_id(job);
    return command;
  }
};

TEST_F(HostileCommandsTest, AMemberThatComesTwiceIsOneTarget) {
  Command create = JobCommand(1, {kDevice, kDevice + 1});
  create.mutable_create_job()->set_more_members(true);
  ASSERT_TRUE(Apply(create).status.ok());
  ASSERT_TRUE(Apply(Extend(1, {kDevice + 1, kDevice + 2})).status.ok());
  ASSERT_EQ(state_->NextJobToExpand(), 1U);
  EXPECT_TRUE(Apply(Expand(1)).status.ok());
  EXPECT_TRUE(Apply(Expand(1)).status.ok());
  EXPECT_EQ(state_->ListJobTargets(JobId{1}, DeviceId{}, 10).size(), 3U);
}

TEST_F(HostileCommandsTest, AJobIsNotExpandedBeforeItHasAllItsMembers) {
  Command create = JobCommand(1, {kDevice});
  create.mutable_create_job()->clear_device_id();
  create.mutable_create_job()->set_more_members(true);
  ASSERT_TRUE(Apply(create).status.ok());
  EXPECT_EQ(Apply(Expand(1)).status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(state_->ListJobTargets(JobId{1}, DeviceId{}, 10).empty());
}

TEST_F(HostileCommandsTest, AJobWhoseMakerWentAwayIsCancelledAndSaysWhy) {
  Command create = JobCommand(1, {kDevice});
  create.mutable_create_job()->clear_device_id();
  create.mutable_create_job()->set_more_members(true);
  ASSERT_TRUE(Apply(create).status.ok());
  for (int i = 0; i < 130; ++i) Pass(5);
  Housekeep();
  EXPECT_NE(state_->FindJob(JobId{1}, false)->stop_reason.find("make it again"), std::string::npos);
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kCancelled);
  EXPECT_EQ(Apply(Extend(1, {kDevice + 1})).status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(HostileCommandsTest, TimesOutsideOfTheCalendarAreRefused) {
  Command job = JobCommand(1, {kDevice});
  job.mutable_create_job()->set_not_after_us(kMost);
  EXPECT_FALSE(Apply(job).status.ok());
  job = JobCommand(1, {kDevice});
  job.mutable_create_job()->set_not_before_us(-kMost);
  EXPECT_FALSE(Apply(job).status.ok());
  Command edge;
  edge.mutable_create_edge()->set_edge_id("edge-c");
  edge.mutable_create_edge()->set_join_token_hash(Hash("c"));
  edge.mutable_create_edge()->set_sealed_check_key("sealed");
  edge.mutable_create_edge()->set_join_ttl_us(kMost);
  EXPECT_FALSE(Apply(edge).status.ok());
  Command tick;
  tick.mutable_tick()->set_time_us(kMost);
  EXPECT_FALSE(Apply(tick).status.ok());
  EXPECT_LT(NowUs(), kMost);
}

TEST_F(HostileCommandsTest, ACheckInOutsideOfTheCalendarIsRefusedAlone) {
  Pass(1);
  Command command = Batch("edge-a", 2);
  command.mutable_edge_batch()->set_base_time_us(kMost);
  for (const int64_t delta : {kMost, int64_t{0}, NowUs() - kMost}) {
    auto& check_in = *command.mutable_edge_batch()->add_check_ins();
    check_in.set_device_id(kDevice);
    check_in.set_time_delta_us(delta);
    check_in.set_interval_seconds(30);
    check_in.set_item(static_cast<uint32_t>(command.edge_batch().check_ins_size() - 1));
  }
  const Outcome outcome = Apply(command);
  ASSERT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.result.edge_batch().refused_size(), 2);
  EXPECT_EQ(state_->FindDevice(DeviceId{kDevice})->status.last_check_in_us, NowUs());
}

TEST_F(HostileCommandsTest, WhatWasRefusedIsNotTakenByAStart) {
  Pass(1);
  Command command = Batch("edge-a", 2);
  auto& check_in = *command.mutable_edge_batch()->add_check_ins();
  check_in.set_device_id(kDevice);
  check_in.set_interval_seconds(30);
  check_in.set_cpu_load_percent(99);
  check_in.set_boot(std::string(65, 'b'));
  const Outcome outcome = Apply(command);
  ASSERT_EQ(outcome.result.edge_batch().refused_size(), 1);
  const std::string before = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), before);
}

TEST_F(HostileCommandsTest, AProblemOfAnEdgeIsShownUntilItsNextHelloAndOnlyFromItsNewestStream) {
  const auto problem = [this] { return state_->FindEdge("edge-a")->problem; };
  Command command;
  command.mutable_edge_problem()->set_edge_id("edge-a");
  command.mutable_edge_problem()->set_session_epoch(sessions_["edge-a"].epoch);
  command.mutable_edge_problem()->set_problem("refused a state");
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(problem(), "refused a state");
  EXPECT_EQ(state_->FindEdge("edge-a")->problem_time_us, NowUs());
  Say("edge-a", "another");
  EXPECT_EQ(problem(), "");
  EXPECT_FALSE(Apply(command).status.ok());
  EXPECT_EQ(problem(), "");
  Say("edge-a", "spool-edge-a");
  EXPECT_THAT(problem(), testing::HasSubstr("used twice"));
}

TEST_F(HostileCommandsTest, AProblemOfTheLogGoesToTheAuditOnceAMinute) {
  const auto told = [this] {
    size_t count = 0;
    for (const AuditEntry& entry : state_->ListAudit({}, 0, 1'000))
      count += entry.resource == "log";
    return count;
  };
  Command command;
  command.set_method("musterd/LogProblem");
  command.mutable_log_problem()->set_problem("an entry does not open");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(told(), 1U);
  Pass(61);
  ASSERT_TRUE(Apply(command).status.ok());
  EXPECT_EQ(told(), 2U);
  command.mutable_log_problem()->set_problem(std::string(513, 'x'));
  EXPECT_EQ(Apply(command).status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster::server
