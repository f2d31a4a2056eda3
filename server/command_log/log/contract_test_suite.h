// What every engine of the log has to keep; instantiated by the test of each engine.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/log_under_test.h"

namespace muster::server {

using MakeLog = std::function<std::unique_ptr<LogUnderTest>()>;

class CommandLogContract : public testing::TestWithParam<MakeLog> {
 protected:
  CommandLogContract() : under_test_(GetParam()()) {}

  CommandLog& log() { return under_test_->log(); }

  static Command MakeOrganization(uint64_t id) {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(absl::StrCat("organization-", id));
    return command;
  }

  std::unique_ptr<LogUnderTest> under_test_;
};

TEST_P(CommandLogContract, ShowsTheChangeOnceItAnswered) {
  const auto applied = log().Propose(MakeOrganization(1));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->result.resource_id(), 1U);
  EXPECT_TRUE(under_test_->HasOrganization(1));
  EXPECT_EQ(log().AppliedPosition(), applied->position);
}

TEST_P(CommandLogContract, KeepsTheOrderOfOneThread) {
  std::atomic<int> next = 0;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 200; ++i) {
    log().ProposeAsync(MakeOrganization(static_cast<uint64_t>(i) + 1),
                       [&next, &wrong, i](const absl::StatusOr<Applied>& applied) {
                         if (!applied.ok() || next++ != i) ++wrong;
                       });
  }
  ASSERT_TRUE(log().Propose(MakeOrganization(1'000)).ok());
  EXPECT_EQ(next, 200);
  EXPECT_EQ(wrong, 0);
}

TEST_P(CommandLogContract, TakesCommandsOfManyThreadsEachOnce) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread, &taken] {
      for (int i = 0; i < kEach; ++i) {
        const uint64_t id = static_cast<uint64_t>(thread * kEach + i) + 1;
        taken += log().Propose(MakeOrganization(id)).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kThreads * kEach);
  EXPECT_EQ(under_test_->CountOrganizations(), size_t{kThreads} * kEach);
}

TEST_P(CommandLogContract, KeepsNeighboursOfARefusedCommand) {
  ASSERT_TRUE(log().Propose(MakeOrganization(1)).ok());
  std::atomic<int> good = 0;
  std::atomic<int> bad = 0;
  for (const uint64_t id : {uint64_t{2}, uint64_t{1}, uint64_t{3}}) {
    log().ProposeAsync(MakeOrganization(id), [&](const absl::StatusOr<Applied>& applied) {
      if (applied.ok()) {
        ++good;
      } else if (applied.status().code() == absl::StatusCode::kAlreadyExists) {
        ++bad;
      }
    });
  }
  ASSERT_TRUE(log().Propose(MakeOrganization(4)).ok());
  EXPECT_EQ(good, 2);
  EXPECT_EQ(bad, 1);
}

TEST_P(CommandLogContract, RefusesWhatCouldNotBeReadBack) {
  Command command = MakeOrganization(1);
  command.mutable_create_organization()->set_display_name("\xff");
  EXPECT_EQ(log().Propose(command).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(CommandLogContract, RepeatsTheOutcomeOfARequest) {
  Command command = MakeOrganization(1);
  command.mutable_request()->set_request_id("again");
  const auto first = log().Propose(command);
  ASSERT_TRUE(first.ok());
  under_test_->Restart();
  Command second = MakeOrganization(2);
  second.mutable_request()->set_request_id("again");
  const auto repeated = log().Propose(second);
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_TRUE(repeated->repeated);
  EXPECT_EQ(repeated->result.resource_id(), 1U);
}

TEST_P(CommandLogContract, GoesOnWithItsPositionAfterARestart) {
  const auto first = log().Propose(MakeOrganization(1));
  ASSERT_TRUE(first.ok());
  under_test_->Restart();
  EXPECT_TRUE(under_test_->HasOrganization(1));
  const auto second = log().Propose(MakeOrganization(2));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->position.log_id, first->position.log_id);
  EXPECT_GT(second->position.index, first->position.index);
}

TEST_P(CommandLogContract, WaitsForAPositionAndKnowsItsOwnLog) {
  const auto first = log().Propose(MakeOrganization(1));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(log().WaitUntilApplied(first->position, absl::ZeroDuration()).ok());
  Position ahead = first->position;
  ahead.index += 1'000;
  EXPECT_EQ(log().WaitUntilApplied(ahead, absl::Milliseconds(1)).code(),
            absl::StatusCode::kDeadlineExceeded);
  ahead.log_id = std::string(16, 'x');
  EXPECT_EQ(log().WaitUntilApplied(ahead, absl::ZeroDuration()).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_P(CommandLogContract, ShowsWhatWasAnsweredAfterAReadBarrier) {
  const auto first = log().Propose(MakeOrganization(1));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(log().ReadBarrier(absl::Seconds(10)).ok());
  EXPECT_GE(log().AppliedPosition().index, first->position.index);
  EXPECT_EQ(log().Health().state, LogState::kServing) << log().Health().reason;
}

TEST_P(CommandLogContract, TakesALargeCommandAndManySmallOnesTogether) {
  Command large = MakeOrganization(1);
  large.mutable_create_organization()->set_display_name("d");
  large.set_summary(std::string(900'000, 's'));
  std::atomic<int> answered = 0;
  log().ProposeAsync(large, [&](const absl::StatusOr<Applied>&) { ++answered; });
  for (uint64_t id = 2; id <= 500; ++id) {
    log().ProposeAsync(MakeOrganization(id),
                       [&](const absl::StatusOr<Applied>& applied) { answered += applied.ok(); });
  }
  ASSERT_TRUE(log().Propose(MakeOrganization(501)).ok());
  EXPECT_EQ(answered, 500);
}

TEST_P(CommandLogContract, TellsOfChangesBeforeItAnswers) {
  std::atomic<int> told = 0;
  auto subscription = under_test_->CountKeyChanges(told);
  Command command;
  auto& key = *command.mutable_create_api_key();
  key.set_api_key_id(1);
  key.set_role(4);
  key.set_key_hash(std::string(32, 'h'));
  ASSERT_TRUE(log().Propose(command).ok());
  EXPECT_EQ(told, 1);
  subscription.reset();
  command.mutable_create_api_key()->set_api_key_id(2);
  command.mutable_create_api_key()->set_key_hash(std::string(32, 'i'));
  ASSERT_TRUE(log().Propose(command).ok());
  EXPECT_EQ(told, 1);
}

TEST_P(CommandLogContract, AnswersEverythingThatWasQueuedWhenItStops) {
  std::atomic<int> answered = 0;
  for (uint64_t id = 1; id <= 100; ++id) {
    log().ProposeAsync(MakeOrganization(id),
                       [&answered](const absl::StatusOr<Applied>&) { ++answered; });
  }
  log().Stop();
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(log().Propose(MakeOrganization(101)).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace muster::server
