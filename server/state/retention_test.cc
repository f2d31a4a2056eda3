// What is kept no longer, and what stays.
#include "server/state/apply/retention.h"

#include <gmock/gmock.h>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

constexpr uint64_t kDevice = 100;

class RetentionTest : public StateFixture {
 protected:
  RetentionTest() {
    SetUpInstallation();
    MakeDevice(kDevice);
  }

  uint64_t RunJob(uint64_t job) {
    Apply(JobCommand(job, {kDevice}));
    const uint64_t number = NumberOf(job, kDevice);
    Event("edge-a", kDevice, number, 1, 1);
    ResultOf("edge-a", kDevice, number);
    Beat("edge-a", kDevice, number);
    return number;
  }
  // A jump, and the minute in which nothing expires.
  void Jump(int64_t by_us) {
    Command tick;
    tick.mutable_tick()->set_time_us(NowUs() + by_us);
    ASSERT_TRUE(Apply(tick).status.ok());
    Pass(65);
  }
};

TEST_F(RetentionTest, OutputsGoThirtyDaysAfterTheEndOfTheJob) {
  RunJob(1);
  Jump(kOutputLifeUs / 2);
  EXPECT_EQ(Target(1, kDevice).output, "done");
  Jump(kOutputLifeUs / 2);
  EXPECT_EQ(Target(1, kDevice).output, "");
  EXPECT_TRUE(Target(1, kDevice).output_cut);
  EXPECT_EQ(StateOf(1, kDevice), JobTargetState::kSucceeded);
}

TEST_F(RetentionTest, EndedJobsGoWithTheirNumbersAndOpenOnesStay) {
  const uint64_t number = RunJob(1);
  Command open = JobCommand(2, {kDevice});
  open.mutable_create_job()->set_not_after_us(NowUs() + 2 * kJobLifeUs);
  ASSERT_TRUE(Apply(open).status.ok());
  Jump(kJobLifeUs);
  Pass(2);
  EXPECT_FALSE(state_->FindJob(JobId{1}, false).has_value());
  EXPECT_FALSE(state_->FindJobTarget(JobId{1}, DeviceId{kDevice}).has_value());
  EXPECT_TRUE(state_->FindJob(JobId{2}, false).has_value());
  ResultOf("edge-a", kDevice, number);
  EXPECT_THAT(EventKinds(kDevice), testing::Contains("orphan-result"));
  EXPECT_GT(NumberOf(2, kDevice), number);
}

TEST_F(RetentionTest, AnEventfulRouterKeepsItsNewestFiveHundredEvents) {
  for (int i = 0; i < 600; ++i) ResultOf("edge-a", kDevice, 1'000 + static_cast<uint64_t>(i));
  const auto events = state_->ListDeviceEvents(DeviceId{kDevice}, 1'000);
  ASSERT_EQ(events.size(), 500U);
  EXPECT_THAT(events.front().message, testing::HasSubstr("1599"));
}

TEST_F(RetentionTest, IsTheSameAfterAStart) {
  RunJob(1);
  Jump(kJobLifeUs);
  const std::string before = state_->Dump();
  Open();
  EXPECT_EQ(state_->Dump(), before);
}

}  // namespace
}  // namespace muster::server
