#include "server/edges/edge_session.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routeros/token/token.h"
#include "server/edges/edge_fakes.h"

namespace muster::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);
constexpr DeviceId kFirst{101};
constexpr DeviceId kSecond{102};
constexpr DeviceId kStranger{999};

class EdgeSessionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  EdgeSessionTest() : clock_(kNow), keys_(*GenerateClusterKeys(kNow)), issuer_(keys_, clock_) {
    const JoinCredentials credentials =
        *MakeJoinCredentials(issuer_, master_, "edge-one", "", kNow);
    Edge edge;
    edge.id = "edge-one";
    edge.join_time_us = 1;
    edge.session_epoch = 5;
    edge.sealed_check_key = credentials.sealed_check_key;
    state_.PutEdge(edge);
    check_key_ = *OpenCheckKey(master_, "edge-one", edge.sealed_check_key);
    state_.AddDevice(master_, kFirst, secret_);
    state_.AddDevice(master_, kSecond, secret_);
    session_ = std::make_shared<EdgeSession>(context_, "edge-one", kNow + absl::Hours(1), sink_,
                                             [this] { ++woken_; });
  }

  UpHello Hello() {
    UpHello hello;
    hello.edge_id = "edge-one";
    hello.spool_id = std::string(16, 's');
    hello.version = "0.1.0";
    hello.time_us = absl::ToUnixMicros(kNow) - 250'000;
    return hello;
  }

  void Pump() {
    session_->Pump();
    session_->OnWritten();
  }

  // Hello, its session entry, welcome and the (empty) snapshot.
  void Connect(uint64_t live_applied = 0) {
    session_->OnMessage(Hello());
    Result result;
    result.mutable_edge_session()->set_session_epoch(5);
    if (live_applied != 0) {
      internal::v1::LaneNumber& lane = *result.mutable_edge_session()->add_applied();
      lane.set_lane(static_cast<uint32_t>(Lane::kLive));
      lane.set_number(live_applied);
    }
    log_.Answer(result);
    Pump();
    Pump();
    ASSERT_THAT(sink_.written(), SizeIs(2));
  }

  void AddItem(UpBatch& batch, DeviceId device, const Secret& secret) {
    internal::v1::CheckIn& item = *batch.batch.add_check_ins();
    item.set_device_id(device.value);
    item.set_item(static_cast<uint32_t>(batch.batch.check_ins_size() - 1));
    SecretProof proof;
    proof.device = device;
    proof.present = true;
    const std::string check = routeros::SecretCheck(check_key_, secret);
    std::copy(check.begin(), check.end(), proof.check.begin());
    batch.proofs.push_back(proof);
  }

  UpBatch Batch(uint64_t number, Lane lane = Lane::kLive) {
    UpBatch batch;
    batch.batch.set_lane(static_cast<uint32_t>(lane));
    batch.batch.set_number(number);
    batch.batch.set_base_time_us(absl::ToUnixMicros(kNow));
    return batch;
  }

  UpBatch GoodBatch(uint64_t number) {
    UpBatch batch = Batch(number);
    AddItem(batch, kFirst, secret_);
    return batch;
  }

  static Result Taken(uint64_t number) {
    Result result;
    result.mutable_edge_batch()->set_outcome(internal::v1::BATCH_OUTCOME_TAKEN);
    result.mutable_edge_batch()->set_applied_number(number);
    return result;
  }

  DownAck LastAck() { return std::get<DownAck>(sink_.written().back()); }

  FakeClock clock_;
  const Secret master_ = RandomSecret(32);
  const Secret secret_ = RandomSecret(16);
  const ClusterKeys keys_;
  const CertificateIssuer issuer_;
  Secret check_key_;
  FakeState state_;
  FakeLog log_;
  FakeSink sink_;
  EdgeContext context_{log_, state_, master_, keys_, clock_};
  int woken_ = 0;
  std::shared_ptr<EdgeSession> session_;
};

TEST_F(EdgeSessionTest, WelcomesWithKeysOffsetAndPositionsThenSendsTheState) {
  state_.PutAtEdge("edge-one", kFirst);
  Connect(41);
  const auto welcome = std::get<DownWelcome>(sink_.written()[0]);
  EXPECT_EQ(welcome.cluster_id, keys_.cluster_id);
  EXPECT_EQ(welcome.session_epoch, 5u);
  EXPECT_EQ(welcome.time_offset_us, 250'000);
  EXPECT_EQ(welcome.secret_check_key.Reveal(), check_key_.Reveal());
  ASSERT_THAT(welcome.token_keys, SizeIs(1));
  EXPECT_EQ(welcome.token_keys[0].key.Reveal(), keys_.token_keys[0].key.Reveal());
  ASSERT_THAT(welcome.applied, SizeIs(1));
  EXPECT_EQ(welcome.applied[0].number, 41u);
  const auto state = std::get<DownState>(sink_.written()[1]);
  EXPECT_TRUE(state.snapshot);
  ASSERT_THAT(state.devices, SizeIs(1));
  EXPECT_EQ(std::string(state.devices[0].secret_check.data(), 16),
            routeros::SecretCheck(check_key_, secret_));
}

TEST_F(EdgeSessionTest, ProposesABatchAndAcknowledgesItWhenItIsApplied) {
  Connect();
  EXPECT_TRUE(session_->OnMessage(GoodBatch(1)));
  ASSERT_EQ(log_.waiting(), 1u);
  const internal::v1::EdgeBatch batch = log_.at(0).edge_batch();
  EXPECT_EQ(batch.edge_id(), "edge-one");
  EXPECT_EQ(batch.session_epoch(), 5u);
  EXPECT_EQ(batch.spool_id(), std::string(16, 's'));
  EXPECT_EQ(batch.check_ins_size(), 1);
  Pump();
  EXPECT_THAT(sink_.written(), SizeIs(2)) << "nothing is acknowledged before it is applied";
  log_.Answer(Taken(1));
  Pump();
  EXPECT_EQ(LastAck().applied.number, 1u);
  EXPECT_THAT(LastAck().verdicts, IsEmpty());
}

TEST_F(EdgeSessionTest, AcknowledgementsOfALaneAreOneMessage) {
  Connect();
  for (uint64_t number = 1; number <= 3; ++number) session_->OnMessage(GoodBatch(number));
  for (uint64_t number = 1; number <= 3; ++number) log_.Answer(Taken(number));
  Pump();
  Pump();
  EXPECT_THAT(sink_.written(), SizeIs(3));
  EXPECT_EQ(LastAck().applied.number, 3u);
}

TEST_F(EdgeSessionTest, WrongSecretAndUnknownDeviceAreDroppedBeforeAnythingIsProposed) {
  Connect();
  UpBatch batch = Batch(1);
  AddItem(batch, kFirst, RandomSecret(16));
  AddItem(batch, kSecond, secret_);
  AddItem(batch, kStranger, secret_);
  session_->OnMessage(std::move(batch));
  const internal::v1::EdgeBatch proposed = log_.at(0).edge_batch();
  ASSERT_EQ(proposed.check_ins_size(), 1);
  EXPECT_EQ(proposed.check_ins(0).device_id(), kSecond.value);
  EXPECT_EQ(proposed.check_ins(0).item(), 1u);
  log_.Answer(Taken(1));
  Pump();
  ASSERT_THAT(LastAck().verdicts, SizeIs(2));
  EXPECT_EQ(LastAck().verdicts[0].item, 0u);
  EXPECT_EQ(LastAck().verdicts[0].code, ItemVerdictCode::kWrongSecret);
  EXPECT_EQ(LastAck().verdicts[1].item, 2u);
  EXPECT_EQ(LastAck().verdicts[1].code, ItemVerdictCode::kUnknownDevice);
}

TEST_F(EdgeSessionTest, ItemWithoutASecretCheckIsWrong) {
  Connect();
  UpBatch batch = GoodBatch(1);
  batch.proofs[0].present = false;
  session_->OnMessage(std::move(batch));
  EXPECT_EQ(log_.at(0).edge_batch().check_ins_size(), 0);
}

TEST_F(EdgeSessionTest, JobResultsAndEventsNeedTheSecretToo) {
  Connect();
  UpBatch batch = Batch(1, Lane::kResults);
  batch.batch.add_job_events()->set_device_id(kFirst.value);
  batch.batch.add_job_results()->set_device_id(kFirst.value);
  SecretProof wrong;
  wrong.device = kFirst;
  wrong.present = true;
  batch.proofs = {wrong, wrong};
  session_->OnMessage(std::move(batch));
  EXPECT_EQ(log_.at(0).edge_batch().job_events_size(), 0);
  EXPECT_EQ(log_.at(0).edge_batch().job_results_size(), 0);
}

TEST_F(EdgeSessionTest, SecretsAreOpenedOnceADevice) {
  Connect();
  for (uint64_t number = 1; number <= 10; ++number) session_->OnMessage(GoodBatch(number));
  EXPECT_EQ(state_.key_reads(), 1);
}

TEST_F(EdgeSessionTest, DeletedDeviceIsUnknownAfterItWasForgotten) {
  Connect();
  session_->OnMessage(GoodBatch(1));
  state_.DeleteDevice(kFirst);
  session_->Forget(kFirst);
  session_->OnMessage(GoodBatch(2));
  EXPECT_EQ(log_.at(0).edge_batch().check_ins_size(), 1);
  EXPECT_EQ(log_.at(1).edge_batch().check_ins_size(), 0);
}

TEST_F(EdgeSessionTest, RepeatedNumberIsAcknowledgedAgainAndNotProposed) {
  Connect(3);
  session_->OnMessage(GoodBatch(2));
  session_->OnMessage(GoodBatch(3));
  EXPECT_EQ(log_.waiting(), 0u);
  Pump();
  EXPECT_EQ(LastAck().applied.number, 3u);
  EXPECT_FALSE(sink_.finished().has_value());
}

TEST_F(EdgeSessionTest, NumberInFlightIsNotProposedTwice) {
  Connect();
  session_->OnMessage(GoodBatch(1));
  session_->OnMessage(GoodBatch(1));
  EXPECT_EQ(log_.waiting(), 1u);
}

TEST_F(EdgeSessionTest, SkippedNumberHasNoEffectAndEndsTheStream) {
  Connect(3);
  session_->OnMessage(GoodBatch(5));
  EXPECT_EQ(log_.waiting(), 0u);
  ASSERT_TRUE(sink_.finished().has_value());
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(EdgeSessionTest, LanesCountForThemselves) {
  Connect(3);
  session_->OnMessage(Batch(1, Lane::kResults));
  session_->OnMessage(Batch(1, Lane::kBackfill));
  session_->OnMessage(GoodBatch(4));
  EXPECT_EQ(log_.waiting(), 3u);
}

TEST_F(EdgeSessionTest, BatchBeforeTheWelcomeEndsTheStream) {
  session_->OnMessage(GoodBatch(1));
  ASSERT_TRUE(sink_.finished().has_value());
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EdgeSessionTest, FencedBatchEndsTheStreamAsAborted) {
  Connect();
  session_->OnMessage(GoodBatch(1));
  Result result;
  result.mutable_edge_batch()->set_outcome(internal::v1::BATCH_OUTCOME_FENCED);
  log_.Answer(result);
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kAborted);
}

TEST_F(EdgeSessionTest, UnknownOutcomeEndsTheStreamAsUnavailable) {
  Connect();
  session_->OnMessage(GoodBatch(1));
  log_.Answer(absl::ResourceExhaustedError("full"));
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeSessionTest, HelloOfAnotherEdgeIsRefused) {
  UpHello hello = Hello();
  hello.edge_id = "edge-two";
  session_->OnMessage(hello);
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(log_.waiting(), 0u);
}

TEST_F(EdgeSessionTest, RevokedEdgeAndNewerStreamEndIt) {
  Connect();
  Edge edge = *state_.FindEdge("edge-one");
  session_->CheckFence();
  EXPECT_FALSE(sink_.finished().has_value());
  edge.session_epoch = 6;
  state_.PutEdge(edge);
  session_->CheckFence();
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kAborted);
}

TEST_F(EdgeSessionTest, StreamStopsReadingWhileTooManyBatchesWait) {
  Connect();
  for (int number = 1; number < EdgeSession::kMaxBatchesInFlight; ++number) {
    EXPECT_TRUE(session_->OnMessage(GoodBatch(static_cast<uint64_t>(number))));
  }
  EXPECT_FALSE(session_->OnMessage(GoodBatch(EdgeSession::kMaxBatchesInFlight)));
  EXPECT_EQ(sink_.resumed(), 0);
  log_.Answer(Taken(1));
  log_.Answer(Taken(2));
  EXPECT_EQ(sink_.resumed(), 1);
}

TEST_F(EdgeSessionTest, WatermarksAreProposedAtMostOnceASecondAndNeverAheadOfTheirBatches) {
  Connect();
  const int64_t time_us = absl::ToUnixMicros(kNow);
  session_->OnMessage(UpWatermark{time_us, 1});
  EXPECT_EQ(log_.waiting(), 0u) << "batch 1 has not come yet";
  session_->OnMessage(UpWatermark{time_us, 0});
  session_->OnMessage(UpWatermark{time_us, 0});
  ASSERT_EQ(log_.waiting(), 1u);
  EXPECT_EQ(log_.at(0).edge_watermark().session_epoch(), 5u);
  clock_.Advance(absl::Seconds(1));
  session_->OnMessage(UpWatermark{time_us + 9'000'000'000, 0});
  ASSERT_EQ(log_.waiting(), 2u);
  EXPECT_EQ(log_.at(1).edge_watermark().time_us(), absl::ToUnixMicros(clock_.Now()));
}

TEST_F(EdgeSessionTest, CheckInFarAheadOfTheClockIsCutToNow) {
  Connect();
  UpBatch batch = GoodBatch(1);
  batch.batch.mutable_check_ins(0)->set_time_delta_us(3'600'000'000);
  session_->OnMessage(std::move(batch));
  EXPECT_EQ(log_.at(0).edge_batch().check_ins(0).time_delta_us(), 0);
}

TEST_F(EdgeSessionTest, StreamWithoutAHelloAndOneThatDoesNotReadAreEnded) {
  clock_.Advance(EdgeSession::kHelloDeadline + absl::Seconds(1));
  session_->CheckProgress();
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kDeadlineExceeded);

  FakeSink slow;
  session_ =
      std::make_shared<EdgeSession>(context_, "edge-one", absl::InfiniteFuture(), slow, [] {});
  session_->OnMessage(Hello());
  Result result;
  result.mutable_edge_session()->set_session_epoch(6);
  log_.Answer(result);
  session_->Pump();
  clock_.Advance(EdgeSession::kSlowDeadline + absl::Seconds(1));
  session_->CheckProgress();
  EXPECT_EQ(slow.finished()->code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(EdgeSessionTest, FarewellComesBeforeTheEnd) {
  Connect();
  session_->Drain("musterd is stopping");
  session_->Pump();
  EXPECT_TRUE(std::holds_alternative<DownDrain>(sink_.written().back()));
  EXPECT_FALSE(sink_.finished().has_value());
  session_->OnWritten();
  EXPECT_EQ(sink_.finished()->code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeSessionTest, NothingReachesAStreamThatHasClosed) {
  Connect();
  session_->OnMessage(GoodBatch(1));
  session_->OnClosed();
  const int woken = woken_;
  log_.Answer(Taken(1));
  session_->Pump();
  EXPECT_THAT(sink_.written(), SizeIs(2));
  EXPECT_EQ(woken_, woken);
}

TEST_F(EdgeSessionTest, CutsTheTimesOfJobEventsThatLieAhead) {
  Connect();
  UpBatch batch = Batch(1, Lane::kResults);
  for (const int64_t ahead_us : {int64_t{3'600'000'000}, int64_t{-1'000'000}}) {
    internal::v1::JobEvent& event = *batch.batch.add_job_events();
    event.set_device_id(kFirst.value);
    event.set_time_us(absl::ToUnixMicros(kNow) + ahead_us);
    SecretProof proof;
    proof.device = kFirst;
    proof.present = true;
    const std::string check = routeros::SecretCheck(check_key_, secret_);
    std::copy(check.begin(), check.end(), proof.check.begin());
    batch.proofs.push_back(proof);
  }
  session_->OnMessage(batch);
  ASSERT_EQ(log_.waiting(), 1u);
  const internal::v1::EdgeBatch proposed = log_.at(0).edge_batch();
  ASSERT_EQ(proposed.job_events_size(), 2);
  EXPECT_EQ(proposed.job_events(0).time_us(), absl::ToUnixMicros(kNow));
  EXPECT_EQ(proposed.job_events(1).time_us(), absl::ToUnixMicros(kNow) - 1'000'000);
}

TEST_F(EdgeSessionTest, ShowsOperatorsAStateThatTheEdgeRefusedUntilItTakesOne) {
  Connect();
  session_->OnMessage(UpStateVerdict{1, ""});
  EXPECT_EQ(log_.waiting(), 0u);
  session_->OnMessage(UpStateVerdict{2, "a job without a number"});
  session_->OnMessage(UpStateVerdict{3, "a job without a number"});
  ASSERT_EQ(log_.waiting(), 1u);
  EXPECT_EQ(log_.at(0).edge_problem().edge_id(), "edge-one");
  EXPECT_EQ(log_.at(0).edge_problem().session_epoch(), 5u);
  EXPECT_EQ(log_.at(0).edge_problem().problem(),
            "refused a state, works with the one before: a job without a number");
  session_->OnMessage(UpStateVerdict{4, ""});
  ASSERT_EQ(log_.waiting(), 2u);
  EXPECT_EQ(log_.at(1).edge_problem().problem(), "");
}

TEST_F(EdgeSessionTest, EndsWithTheCertificateOfTheEdge) {
  Connect();
  clock_.Advance(absl::Minutes(59));
  session_->CheckProgress();
  EXPECT_FALSE(sink_.finished().has_value());
  clock_.Advance(absl::Minutes(1));
  session_->CheckProgress();
  ASSERT_TRUE(sink_.finished().has_value());
  EXPECT_TRUE(absl::IsUnauthenticated(*sink_.finished()));
}

}  // namespace
}  // namespace muster::server
