#include "edge-proxy/uplink/outbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/secrets/secrets.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() { EXPECT_TRUE(InitializeCryptography().ok()); }

  void AddCheckIns(int count) {
    for (int i = 0; i < count; ++i) {
      outbox_->AddCheckIn({.device = DeviceId{7}, .time = clock_.Now()});
    }
  }
  void AddResult(uint64_t number) {
    JobResult result{.device = DeviceId{7}, .time = clock_.Now()};
    result.report.number = number;
    outbox_->AddJobResult(std::move(result), [this](const absl::Status& status) {
      answers_.push_back(status.code());
    });
  }
  void Ack(wire::Lane lane, uint64_t number) {
    wire::Ack ack;
    ack.set_lane(lane);
    ack.set_number(number);
    outbox_->TakeAck(ack);
  }
  static wire::Welcome Applied(uint64_t results, uint64_t live) {
    wire::Welcome welcome;
    wire::LanePosition* position = welcome.add_applied();
    position->set_lane(wire::LANE_RESULTS);
    position->set_number(results);
    position = welcome.add_applied();
    position->set_lane(wire::LANE_LIVE);
    position->set_number(live);
    return welcome;
  }
  std::string SpoolId() const {
    wire::Hello hello;
    outbox_->FillHello(hello);
    return hello.spool_id();
  }

  FakeClock clock_{absl::FromUnixSeconds(1'790'000'000)};
  OutboxLimits limits_;
  int woken_ = 0;
  int dropped_ = 0;
  std::vector<absl::StatusCode> answers_;
  std::unique_ptr<Outbox> outbox_ = std::make_unique<Outbox>(
      clock_, limits_, [this] { ++woken_; }, [this] { ++dropped_; });
};

TEST_F(OutboxTest, CollectsCheckInsForAMomentAndNumbersTheBatch) {
  AddCheckIns(3);
  EXPECT_FALSE(outbox_->NextBatch().has_value());
  clock_.Advance(absl::Milliseconds(50));
  const auto batch = outbox_->NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->lane(), wire::LANE_LIVE);
  EXPECT_EQ(batch->number(), 1u);
  EXPECT_EQ(batch->check_ins_size(), 3);
  EXPECT_FALSE(outbox_->NextBatch().has_value());
  EXPECT_FALSE(outbox_->empty());
  Ack(wire::LANE_LIVE, 1);
  EXPECT_TRUE(outbox_->empty());
}

TEST_F(OutboxTest, AFullBatchDoesNotWait) {
  AddCheckIns(1000);
  EXPECT_EQ(woken_, 1);
  const auto batch = outbox_->NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->check_ins_size(), 1000);
}

TEST_F(OutboxTest, ResultsGoAtOnceAndBeforeCheckIns) {
  AddCheckIns(1);
  clock_.Advance(absl::Seconds(1));
  AddResult(5);
  outbox_->AddJobEvent({.device = DeviceId{7}, .number = 6, .time = clock_.Now()});
  const auto batch = outbox_->NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->lane(), wire::LANE_RESULTS);
  EXPECT_EQ(batch->job_results_size(), 1);
  EXPECT_EQ(batch->job_events_size(), 1);
  EXPECT_EQ(outbox_->NextBatch()->lane(), wire::LANE_LIVE);
}

TEST_F(OutboxTest, ABatchKeepsToItsBytes) {
  for (int i = 0; i < 40; ++i) {
    JobResult result{.device = DeviceId{static_cast<uint64_t>(7 + i)}};
    result.report.number = 1 + i;
    result.report.output = std::string(16'000, 'x');
    outbox_->AddJobResult(std::move(result), [](const absl::Status&) {});
  }
  const auto batch = outbox_->NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_LE(batch->ByteSizeLong(), kMostBytesInBatch + 1000);
  EXPECT_GE(batch->job_results_size(), 10);
}

TEST_F(OutboxTest, AtMostFourBatchesOfALaneAreOnTheWay) {
  AddCheckIns(6000);
  for (uint64_t number = 1; number <= 4; ++number) {
    ASSERT_EQ(outbox_->NextBatch()->number(), number);
  }
  EXPECT_FALSE(outbox_->NextBatch().has_value());
  AddResult(1);
  EXPECT_EQ(outbox_->NextBatch()->lane(), wire::LANE_RESULTS);
  Ack(wire::LANE_LIVE, 2);
  EXPECT_EQ(outbox_->NextBatch()->number(), 5u);
  EXPECT_EQ(outbox_->NextBatch()->number(), 6u);
  EXPECT_FALSE(outbox_->NextBatch().has_value());
}

TEST_F(OutboxTest, WhatWasNotAcknowledgedIsRepeatedUnchangedInTheNextSession) {
  AddCheckIns(1000);
  const std::string first = outbox_->NextBatch()->SerializeAsString();
  AddCheckIns(1000);
  const std::string second = outbox_->NextBatch()->SerializeAsString();
  outbox_->EndSession();
  AddCheckIns(1);
  EXPECT_TRUE(outbox_->BeginSession(Applied(0, 1)));
  const auto again = outbox_->NextBatch();
  EXPECT_EQ(again->SerializeAsString(), second);
  EXPECT_NE(again->SerializeAsString(), first);
}

TEST_F(OutboxTest, AResultIsAnsweredWhenItsBatchIsAcknowledged) {
  AddResult(1);
  (void)outbox_->NextBatch();
  EXPECT_TRUE(answers_.empty());
  Ack(wire::LANE_LIVE, 1);
  EXPECT_TRUE(answers_.empty());
  Ack(wire::LANE_RESULTS, 1);
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>{absl::StatusCode::kOk});
}

TEST_F(OutboxTest, AResultWhoseVerdictWasLostWithTheStreamIsAskedForAgain) {
  AddResult(1);
  (void)outbox_->NextBatch();
  outbox_->EndSession();
  EXPECT_TRUE(outbox_->BeginSession(Applied(1, 0)));
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>{absl::StatusCode::kUnavailable})
      << "it was applied, or refused by name: nobody knows here";
  // Its copy gets a verdict.
  AddResult(1);
  EXPECT_EQ(outbox_->NextBatch()->number(), 2u);
  wire::Ack ack;
  ack.set_lane(wire::LANE_RESULTS);
  ack.set_number(2);
  ack.add_verdicts()->set_batch_number(2);
  ack.mutable_verdicts(0)->set_code(wire::ITEM_VERDICT_CODE_REFUSED);
  outbox_->TakeAck(ack);
  EXPECT_EQ(answers_.back(), absl::StatusCode::kInvalidArgument);
}

TEST_F(OutboxTest, VerdictsAnswerTheResultThatTheyName) {
  outbox_->AddJobEvent({.device = DeviceId{7}, .number = 6});
  for (uint64_t number = 1; number <= 4; ++number) AddResult(number);
  (void)outbox_->NextBatch();
  wire::Ack ack;
  ack.set_lane(wire::LANE_RESULTS);
  ack.set_number(1);
  const std::vector<std::pair<uint32_t, wire::ItemVerdictCode>> verdicts = {
      {2, wire::ITEM_VERDICT_CODE_REFUSED},
      {3, wire::ITEM_VERDICT_CODE_WRONG_SECRET},
      {4, wire::ITEM_VERDICT_CODE_UNKNOWN_DEVICE}};
  for (const auto& [item, code] : verdicts) {
    wire::ItemVerdict* verdict = ack.add_verdicts();
    verdict->set_batch_number(1);
    verdict->set_item(item);
    verdict->set_code(code);
  }
  outbox_->TakeAck(ack);
  EXPECT_EQ(answers_, (std::vector<absl::StatusCode>{
                          absl::StatusCode::kOk, absl::StatusCode::kInvalidArgument,
                          absl::StatusCode::kUnauthenticated, absl::StatusCode::kUnauthenticated}));
  EXPECT_EQ(outbox_->stats().refused_items, 3u);
}

TEST_F(OutboxTest, AControlPlaneThatWentBackGetsEverythingUnderANewSpoolId) {
  const std::string spool = SpoolId();
  AddResult(1);
  (void)outbox_->NextBatch();
  Ack(wire::LANE_RESULTS, 1);
  AddResult(2);
  (void)outbox_->NextBatch();
  outbox_->EndSession();
  EXPECT_EQ(SpoolId(), spool);
  EXPECT_FALSE(outbox_->BeginSession(Applied(0, 0)));
  EXPECT_NE(SpoolId(), spool);
  EXPECT_TRUE(outbox_->BeginSession(Applied(0, 0)));
  const auto batch = outbox_->NextBatch();
  EXPECT_EQ(batch->number(), 1u);
  EXPECT_EQ(batch->job_results(0).number(), 2u);
}

TEST_F(OutboxTest, TheOldestCheckInsGoWhenTheMemoryIsFull) {
  limits_.check_in_bytes = 100'000;
  outbox_ = std::make_unique<Outbox>(
      clock_, limits_, [] {}, [this] { ++dropped_; });
  AddCheckIns(1000);
  const Outbox::Stats stats = outbox_->stats();
  EXPECT_GT(stats.dropped_check_ins, 500u);
  EXPECT_EQ(stats.queued_check_ins + stats.dropped_check_ins, 1000u);
  EXPECT_GT(dropped_, 0);
}

TEST_F(OutboxTest, ResultsAreRefusedWhenTheMemoryIsFull) {
  limits_.result_bytes = 1000;
  outbox_ = std::make_unique<Outbox>(
      clock_, limits_, [] {}, [] {});
  for (uint64_t number = 1; number <= 5; ++number) AddResult(number);
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>(3, absl::StatusCode::kUnavailable));
  EXPECT_EQ(outbox_->stats().refused_results, 3u);
}

TEST_F(OutboxTest, ADeviceThatInventsResultsLeavesRoomForOthers) {
  const auto post = [this](DeviceId device, uint64_t number) {
    JobResult result{.device = device, .time = clock_.Now()};
    result.report.number = number;
    result.report.output = std::string(16'000, 'x');
    outbox_->AddJobResult(std::move(result), [this](const absl::Status& status) {
      answers_.push_back(status.code());
    });
  };
  for (uint64_t number = 1; number <= 3000; ++number) post(DeviceId{7}, number);
  EXPECT_GT(answers_.size(), 2980u);
  EXPECT_EQ(outbox_->stats().refused_results, answers_.size());
  // As many as the lane would hold of one device.
  const size_t refused = answers_.size();
  for (uint64_t device = 100; device < 1100; ++device) post(DeviceId{device}, 1);
  EXPECT_EQ(answers_.size(), refused);
  // What was acknowledged gives its room back, to the device too.
  uint64_t last = 0;
  while (const auto batch = outbox_->NextBatch()) {
    last = batch->number();
    Ack(wire::LANE_RESULTS, last);
  }
  EXPECT_TRUE(outbox_->empty());
  answers_.clear();
  for (uint64_t number = 1; number <= 10; ++number) post(DeviceId{7}, number);
  EXPECT_TRUE(answers_.empty());
}

TEST_F(OutboxTest, JobEventsHaveRoomWhenThatOfResultsIsUsedUp) {
  limits_.result_bytes = 1000;
  limits_.event_bytes = 2000;
  outbox_ = std::make_unique<Outbox>(
      clock_, limits_, [] {}, [] {});
  for (uint64_t number = 1; number <= 5; ++number) AddResult(number);
  EXPECT_EQ(answers_.size(), 3u);
  outbox_->AddJobEvent({.device = DeviceId{7}, .number = 6, .kind = JobEventKind::kSent});
  EXPECT_EQ(outbox_->stats().dropped_job_events, 0u);
  for (int i = 0; i < 10; ++i) outbox_->AddJobEvent({.device = DeviceId{7}, .number = 6});
  EXPECT_GT(outbox_->stats().dropped_job_events, 0u);
  const uint64_t dropped = outbox_->stats().dropped_job_events;
  // A cancelled job waits for this one.
  outbox_->AddJobEvent({.device = DeviceId{7}, .number = 8, .kind = JobEventKind::kRemoved});
  EXPECT_EQ(outbox_->stats().dropped_job_events, dropped);
  const auto batch = outbox_->NextBatch();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->job_events(batch->job_events_size() - 1).number(), 8u);
}

TEST_F(OutboxTest, ClosingAnswersEveryoneWhoWaits) {
  AddResult(1);
  (void)outbox_->NextBatch();
  AddResult(2);
  outbox_->Close();
  AddResult(3);
  EXPECT_EQ(answers_, std::vector<absl::StatusCode>(3, absl::StatusCode::kUnavailable));
  Ack(wire::LANE_RESULTS, 1);
  EXPECT_EQ(answers_.size(), 3u);
}

TEST_F(OutboxTest, AnAckOfWhatWasNeverSentIsNotBelieved) {
  AddResult(1);
  Ack(wire::LANE_RESULTS, 9);
  EXPECT_TRUE(answers_.empty());
  EXPECT_EQ(outbox_->NextBatch()->number(), 1u);
}

TEST_F(OutboxTest, EveryResultOfManyThreadsIsAnsweredOnce) {
  constexpr int kThreads = 4, kEach = 500;
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  const SystemClock clock;
  Outbox outbox(
      clock, limits_, [] {}, [] {});
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        outbox.AddJobResult({.device = DeviceId{static_cast<uint64_t>(1 + t * kEach + i)}},
                            [&answered](const absl::Status&) { ++answered; });
        outbox.AddCheckIn({.device = DeviceId{7}, .time = clock.Now()});
      }
    });
  }
  int taken = 0;
  while (answered < kThreads * kEach) {
    if (++taken % 100 == 0) outbox.EndSession();
    const auto batch = outbox.NextBatch();
    if (!batch.has_value()) continue;
    wire::Ack ack;
    ack.set_lane(batch->lane());
    ack.set_number(batch->number());
    outbox.TakeAck(ack);
    (void)outbox.WatermarkNow();
    (void)outbox.stats();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, kThreads * kEach);
}

TEST_F(OutboxTest, TheWatermarkStaysBeforeWhatIsStillQueued) {
  EXPECT_EQ(outbox_->WatermarkNow().time_us(),
            absl::ToUnixMicros(clock_.Now() - absl::Milliseconds(200)));
  const absl::Time since = clock_.Now();
  AddCheckIns(1);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(outbox_->WatermarkNow().time_us(), absl::ToUnixMicros(since) - 1);
  EXPECT_EQ(outbox_->WatermarkNow().live_number(), 0u);
  (void)outbox_->NextBatch();
  EXPECT_GT(outbox_->WatermarkNow().time_us(), absl::ToUnixMicros(since));
  EXPECT_EQ(outbox_->WatermarkNow().live_number(), 1u);
}

}  // namespace
}  // namespace muster::edge
