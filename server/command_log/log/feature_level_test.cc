#include "server/command_log/log/feature_level.h"

#include <gtest/gtest.h>

#include "server/command_log/log/entry_codec.h"

namespace muster::server {
namespace {

using internal::v1::Command;

TEST(FeatureLevelTest, EveryCommandNeedsALevelThatThisBuildKnows) {
  const auto* const payload = Command::descriptor()->FindOneofByName("payload");
  ASSERT_GT(payload->field_count(), 50);
  for (int i = 0; i < payload->field_count(); ++i) {
    const auto kind = static_cast<Command::PayloadCase>(payload->field(i)->number());
    EXPECT_GE(LevelOfKind(kind), 1U) << payload->field(i)->name();
    EXPECT_LE(LevelOfKind(kind), FeatureLevel()) << payload->field(i)->name();
  }
}

TEST(FeatureLevelTest, WhatWasWrittenBeforeThereWereLevelsStaysAtLevelOne) {
  for (const auto kind : {Command::kBootstrap, Command::kTick, Command::kCreateJob,
                          Command::kEdgeBatch, Command::kRetireRouterRoot}) {
    EXPECT_EQ(LevelOfKind(kind), 1U);
  }
}

TEST(FeatureLevelTest, ACommandThatRaisesTheLevelIsOfThatLevel) {
  Command command;
  command.mutable_finalize_upgrade()->set_level(FeatureLevel() + 1);
  EXPECT_EQ(LevelOf(command), FeatureLevel() + 1);
  EXPECT_TRUE(RaisesLevel(command));
  const auto checked = CheckCommand(command);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->command.version(), FeatureLevel() + 1);
  command.mutable_bootstrap();
  EXPECT_EQ(LevelOf(command), 1U);
  command.mutable_bootstrap()->set_feature_level(2);
  EXPECT_EQ(LevelOf(command), 2U);
  EXPECT_TRUE(RaisesLevel(command));
}

TEST(FeatureLevelTest, AVersionIsWrittenByKindWhateverTheCallerSays) {
  Command command;
  command.mutable_tick()->set_time_us(1);
  command.set_version(7);
  const auto checked = CheckCommand(command);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->command.version(), 1U);
}

}  // namespace
}  // namespace muster::server
