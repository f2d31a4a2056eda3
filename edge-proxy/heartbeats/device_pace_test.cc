#include "edge-proxy/heartbeats/device_pace.h"

#include <gtest/gtest.h>

namespace muster::edge {
namespace {

class DevicePaceTest : public testing::Test {
 protected:
  // How many of `calls` at once are let through.
  int Take(DeviceId device, int calls) {
    int taken = 0;
    for (int i = 0; i < calls; ++i) taken += pace_.Take(device, now_) ? 1 : 0;
    return taken;
  }

  DevicePace pace_;
  absl::Duration now_ = absl::Seconds(100);
};

TEST_F(DevicePaceTest, ABurstGoesThroughAndThenTwoASecond) {
  EXPECT_EQ(Take(DeviceId{5}, 1000), 120);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Take(DeviceId{5}, 1000), 2);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Take(DeviceId{5}, 1000), 20);
  now_ += absl::Hours(1);
  EXPECT_EQ(Take(DeviceId{5}, 1000), 120) << "a pause fills the bucket and no more";
}

TEST_F(DevicePaceTest, OneDeviceTakesNothingFromAnother) {
  EXPECT_EQ(Take(DeviceId{5}, 1000), 120);
  EXPECT_EQ(Take(DeviceId{6}, 30), 30);
}

TEST_F(DevicePaceTest, FastBeatsWithADrainingQueueAreNeverRefused) {
  // A beat a second for the five minutes of fast mode, and each with a result and its beat at once
  // for twenty jobs.
  for (int second = 0; second < 300; ++second) {
    EXPECT_EQ(Take(DeviceId{5}, second < 20 ? 3 : 1), second < 20 ? 3 : 1) << second;
    now_ += absl::Seconds(1);
  }
}

TEST_F(DevicePaceTest, RemembersOnlyWhoCalledALittleWhileAgo) {
  for (uint64_t device = 1; device <= 100'000; ++device) {
    EXPECT_TRUE(pace_.Take(DeviceId{device}, now_));
    now_ += absl::Milliseconds(1);
  }
  EXPECT_LT(pace_.size(), 2'500u) << "a call is forgotten after half a second";
}

}  // namespace
}  // namespace muster::edge
