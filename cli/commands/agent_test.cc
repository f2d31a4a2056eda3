#include <gmock/gmock.h>

#include "cli/commands/command_test_support.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
namespace v1 = muster::v1;

class AgentTest : public CommandTest {};

TEST_F(AgentTest, AreCountedWithThoseBehind) {
  v1::ListAgentsResponse response;
  auto* count = response.add_agents();
  count->set_agent("1+2");
  count->set_device_count(25);
  count->set_behind_count(3);
  response.add_agents()->set_device_count(1);
  response.set_current_version("2");
  response.set_behind_count(3);
  fake_.Answer("ListAgents", response);
  const Ran ran = Run({"agent", "list"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1+2"));
  EXPECT_THAT(ran.out, HasSubstr("never heard"));
  EXPECT_THAT(ran.err, HasSubstr("agent is 2; 3 devices are behind: muster agent upgrade"));
}

TEST_F(AgentTest, AnUpgradeCountsFirstAndWantsAYes) {
  for (int i = 0; i < 3; ++i) {
    v1::UpgradeAgentsResponse response;
    response.mutable_job()->set_name("organizations/default/jobs/3f8k2m9x0c1va");
    response.mutable_job()->set_agent_version("2");
    response.mutable_job()->set_target_count(25);
    fake_.Answer("UpgradeAgents", response);
  }
  EXPECT_EQ(Run({"agent", "upgrade"}).code, 2);
  const Ran ran = Run({"agent", "upgrade", "--where", "site = riga", "--url", "https://a", "--url",
                       "https://b", "--canary", "2", "--max-fail", "1", "--profile", "slow",
                       "--not-before", "2h", "--ignore-windows", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto request = fake_.LastRequest<v1::UpgradeAgentsRequest>("UpgradeAgents");
  EXPECT_EQ(request.filter(), "site = riga");
  EXPECT_EQ(request.urls_size(), 2);
  EXPECT_EQ(request.canary_count(), 2);
  EXPECT_EQ(request.max_failures(), 1);
  EXPECT_FALSE(request.validate_only());
  EXPECT_EQ(request.profile(), v1::PROFILE_SLOW);
  EXPECT_TRUE(request.has_not_before());
  EXPECT_TRUE(request.ignore_windows());
}

}  // namespace
}  // namespace muster::cli
