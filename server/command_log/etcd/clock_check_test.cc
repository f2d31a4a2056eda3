#include "server/command_log/etcd/clock_check.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

class ClockCheckTest : public testing::Test {
 protected:
  // A second passes, and another node ticks with a clock that is right.
  bool AfterTick() {
    clock_.Advance(absl::Seconds(1));
    true_time_ += absl::Seconds(1);
    return check_.Agrees(true_time_);
  }

  absl::Time true_time_ = absl::FromUnixSeconds(1'800'000'000);
  FakeClock clock_{true_time_};
  ClockCheck check_{clock_, true_time_};
};

TEST_F(ClockCheckTest, RightAfterAStartAClockThatIsOffTheStateLetsOthersGoFirst) {
  EXPECT_TRUE(check_.Agrees(true_time_));
  for (const absl::Duration off : {absl::Hours(24 * 365), -absl::Hours(1)}) {
    clock_.JumpTo(true_time_ + off);
    EXPECT_FALSE(check_.Agrees(true_time_)) << off;
  }
  clock_.Advance(ClockCheck::kOthersFirst);
  EXPECT_FALSE(check_.Agrees(true_time_));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(check_.Agrees(true_time_)) << "after an outage of all somebody must";
}

TEST_F(ClockCheckTest, WhereNoTimeWasEverBroughtInAnyClockIsGoodEnough) {
  ClockCheck first(clock_, absl::UnixEpoch());
  EXPECT_TRUE(first.Agrees(absl::UnixEpoch()));
}

TEST_F(ClockCheckTest, AClockThatIsRightMayTick) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(AfterTick());
}

TEST_F(ClockCheckTest, AClockAnHourOffMayNotAndMayAgainWhenItIsSetRight) {
  EXPECT_TRUE(AfterTick());
  for (const absl::Duration off : {absl::Hours(1), -absl::Hours(1), absl::Hours(24 * 365)}) {
    clock_.JumpTo(true_time_ + off);
    EXPECT_FALSE(AfterTick()) << off;
    clock_.JumpTo(true_time_);
    EXPECT_TRUE(AfterTick()) << off;
  }
}

TEST_F(ClockCheckTest, AClockThatIsSetWhileNobodyTicksMayNotBeTheNext) {
  EXPECT_TRUE(AfterTick());
  clock_.JumpTo(true_time_ + absl::Hours(24 * 365));
  EXPECT_FALSE(check_.Agrees(true_time_));
  clock_.JumpTo(true_time_);
  EXPECT_TRUE(check_.Agrees(true_time_));
}

TEST_F(ClockCheckTest, WhereNobodyElseTicksAnyMoreAClockThatIsOffIsTaken) {
  clock_.JumpTo(true_time_ + absl::Hours(1));
  EXPECT_FALSE(AfterTick());
  clock_.Advance(ClockCheck::kNobody);
  EXPECT_FALSE(check_.Agrees(true_time_));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(check_.Agrees(true_time_));
}

}  // namespace
}  // namespace muster::server
