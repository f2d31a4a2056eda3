#include "server/command_log/log/second_look.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace muster::server {
namespace {

// Barriers end when the test says so.
class HeldLog : public CommandLog {
 public:
  void ProposeAsync(Command, Done) override {}
  Position AppliedPosition() const override { return {}; }
  absl::Status WaitUntilApplied(const Position&, absl::Duration) override { return {}; }
  absl::Status ReadBarrier(absl::Duration) override {
    MutexLock lock(mutex_);
    ++begun_;
    changed_.NotifyAll();
    while (!open_) changed_.WaitFor(mutex_, absl::Seconds(10));
    return outcome_;
  }
  LogHealth Health() const override { return {}; }
  void Stop() override {}

  void WaitForBarriers(int count) {
    MutexLock lock(mutex_);
    while (begun_ < count) changed_.WaitFor(mutex_, absl::Seconds(10));
  }
  void Open(absl::Status outcome) {
    MutexLock lock(mutex_);
    open_ = true;
    outcome_ = std::move(outcome);
    changed_.NotifyAll();
  }
  int begun() {
    MutexLock lock(mutex_);
    return begun_;
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status outcome_ ABSL_GUARDED_BY(mutex_);
};

// The answer to one question, when it comes.
std::future<bool> Asked(SecondLook& look) {
  auto answer = std::make_shared<std::promise<bool>>();
  std::future<bool> future = answer->get_future();
  look.Ask([answer](bool fresh) { answer->set_value(fresh); });
  return future;
}

TEST(SecondLookTest, ABarrierThatWasUnderWayIsNotGoodForWhoAsksLater) {
  HeldLog log;
  SecondLook look(log);
  std::future<bool> first = Asked(look);
  log.WaitForBarriers(1);
  std::future<bool> second = Asked(look), third = Asked(look);
  log.Open(absl::OkStatus());
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(third.get());
  EXPECT_EQ(log.begun(), 2)
      << "one for the first, one for the two that came while it was on its way";
}

TEST(SecondLookTest, AFloodIsToldAtOnceAndCostsNoBarrier) {
  HeldLog log;
  SecondLook look(log);
  std::vector<std::future<bool>> within;
  for (size_t i = 0; i < SecondLook::kMostWaiting; ++i) within.push_back(Asked(look));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(Asked(look).get());
  log.Open(absl::OkStatus());
  for (std::future<bool>& one : within) EXPECT_TRUE(one.get());
  EXPECT_LE(log.begun(), 2);
}

TEST(SecondLookTest, WithoutAnAnswerOfTheLogThereWasNoLook) {
  HeldLog log;
  SecondLook look(log);
  log.Open(absl::UnavailableError("no quorum"));
  EXPECT_FALSE(look.Wait());
}

TEST(SecondLookTest, WhoWaitsAtTheEndIsAnswered) {
  HeldLog log;
  std::future<bool> first, second;
  {
    SecondLook look(log);
    first = Asked(look);
    log.WaitForBarriers(1);
    second = Asked(look);
    log.Open(absl::OkStatus());
  }
  EXPECT_TRUE(first.get());
  second.get();
}

}  // namespace
}  // namespace muster::server
