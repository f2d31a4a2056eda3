#include "server/command_log/etcd/health_cell.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

TEST(HealthCellTest, WhileItIsHeldNothingElseIsShownAndCommandsAreRefused) {
  HealthCell health;
  health.Set(LogState::kServing, "");
  health.Hold("states differ");
  EXPECT_EQ(health.Get().state, LogState::kStatesDiffer);
  EXPECT_EQ(health.Get().reason, "states differ");
  EXPECT_TRUE(health.IsHeld());
  EXPECT_EQ(health.Refusal().code(), absl::StatusCode::kUnavailable);
  health.Set(LogState::kCatchingUp, "");
  health.Set(LogState::kServing, "");
  EXPECT_EQ(health.Get().state, LogState::kStatesDiffer);
  EXPECT_EQ(health.WaitUntilServing(absl::ZeroDuration()).code(), absl::StatusCode::kUnavailable);
}

TEST(HealthCellTest, OnceItIsReleasedItShowsWhatCameMeanwhile) {
  HealthCell health;
  health.Hold("states differ");
  health.Set(LogState::kServing, "");
  health.Release();
  EXPECT_EQ(health.Get().state, LogState::kServing);
  EXPECT_TRUE(health.Refusal().ok());
}

TEST(HealthCellTest, WhatIsForGoodIsShownAlsoWhileItIsHeld) {
  HealthCell health;
  health.Hold("states differ");
  health.Set(LogState::kStopped, "deleted");
  EXPECT_EQ(health.Get().state, LogState::kStopped);
  health.Release();
  EXPECT_EQ(health.Get().reason, "deleted");
}

}  // namespace
}  // namespace muster::server
