// Batches, numbers, jobs and records over the edge listener.
#include "gmock/gmock.h"
#include "routeros/token/token.h"
#include "server/pki/device_secret.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using edge::v1::ConnectResponse;
using testing::EdgeClient;
using testing::EdgeClientStream;
using ::testing::SizeIs;

const std::string kSpool(16, 's');

class EdgeStreamTest : public EdgeHarness {
 protected:
  void SetUp() override {
    EdgeHarness::SetUp();
    identity_ = JoinEdge("edge-one");
    client_ = std::make_unique<EdgeClient>(address(), identity_);
    record_ = EnrollOne(*client_);
    other_ = EnrollOne(*client_);
  }

  edge::v1::DeviceRecord EnrollOne(EdgeClient& client) {
    auto response = Enroll(client, CreateClaim(1), "0123456789abcdef");
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->record() : edge::v1::DeviceRecord();
  }

  std::unique_ptr<EdgeClientStream> Connect(EdgeClient& client, const std::string& edge_id,
                                            const std::string& spool = kSpool) {
    auto stream = client.Connect();
    auto welcome = stream->Hello(edge_id, spool);
    EXPECT_TRUE(welcome.ok()) << welcome.status();
    if (welcome.ok()) welcome_ = *std::move(welcome);
    return stream;
  }

  int64_t LastCheckIn(const edge::v1::DeviceRecord& record) {
    return state().FindDevice(DeviceId{record.device_id()})->status.last_check_in_us;
  }

  JobId CreateJob(const edge::v1::DeviceRecord& record) {
    Command command;
    internal::v1::CreateJob& create = *command.mutable_create_job();
    const JobId id = MakeId<JobId>();
    create.set_job_id(id.value);
    create.set_organization_id(DefaultOrganization().value);
    create.set_script(":put 1");
    create.set_device_id(record.device_id());
    create.add_members(record.device_id());
    create.set_ends_with(1);
    create.set_creator("test");
    EXPECT_TRUE(Propose(std::move(command)).ok());
    return id;
  }

  // What the last welcome says of the lane.
  uint64_t AppliedLive() {
    for (const edge::v1::LanePosition& position : welcome_.applied()) {
      if (position.lane() == edge::v1::LANE_LIVE) return position.number();
    }
    return 0;
  }

  // What the device would show at an edge with this key.
  std::string CheckUnder(const Secret& key, const edge::v1::DeviceRecord& record) {
    const DeviceId device{record.device_id()};
    const OrganizationKeys keys(state(), installation().master_key);
    const Secret secret =
        *OpenDeviceSecret(keys, device, state().FindDeviceKey(device)->sealed_secret);
    return routeros::SecretCheck(key, secret);
  }

  testing::EdgeIdentity identity_;
  std::unique_ptr<EdgeClient> client_;
  edge::v1::DeviceRecord record_, other_;
  edge::v1::Welcome welcome_;
};

TEST_F(EdgeStreamTest, CheckInsAreAppliedBeforeTheyAreAcknowledged) {
  const auto stream = Connect(*client_, "edge-one");
  const edge::v1::CheckIn item = CheckInOf(record_);
  stream->Send(BatchOf(1, {item}));
  const auto ack = stream->WaitForAck(edge::v1::LANE_LIVE, 1);
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_EQ(LastCheckIn(record_), item.time_us());
  EXPECT_EQ(state().FindDevice(DeviceId{record_.device_id()})->status.edge, "edge-one");
}

TEST_F(EdgeStreamTest, OneBadItemKeepsTheOthers) {
  const auto stream = Connect(*client_, "edge-one");
  edge::v1::CheckIn bad = CheckInOf(record_);
  bad.set_boot("bo\xff");
  stream->Send(BatchOf(1, {bad, CheckInOf(other_)}));
  const auto ack = stream->WaitForAck(edge::v1::LANE_LIVE, 1);
  ASSERT_TRUE(ack.ok()) << ack.status();
  ASSERT_THAT(ack->verdicts(), SizeIs(1));
  EXPECT_EQ(ack->verdicts(0).item(), 0u);
  EXPECT_EQ(ack->verdicts(0).code(), edge::v1::ITEM_VERDICT_CODE_REFUSED);
  EXPECT_EQ(LastCheckIn(record_), 0);
  EXPECT_NE(LastCheckIn(other_), 0);
}

TEST_F(EdgeStreamTest, WrongSecretHasNoEffectAtAll) {
  const auto stream = Connect(*client_, "edge-one");
  edge::v1::CheckIn wrong = CheckInOf(record_);
  wrong.set_secret_check(other_.secret_check());
  wrong.mutable_facts()->set_identity("stolen");
  wrong.set_last_number(UINT64_MAX);
  stream->Send(BatchOf(1, {wrong, CheckInOf(other_)}));
  const auto ack = stream->WaitForAck(edge::v1::LANE_LIVE, 1);
  ASSERT_TRUE(ack.ok()) << ack.status();
  ASSERT_THAT(ack->verdicts(), SizeIs(1));
  EXPECT_EQ(ack->verdicts(0).code(), edge::v1::ITEM_VERDICT_CODE_WRONG_SECRET);
  const Device device = *state().FindDevice(DeviceId{record_.device_id()});
  EXPECT_EQ(device.status.last_check_in_us, 0);
  EXPECT_EQ(device.identity, "router");
}

TEST_F(EdgeStreamTest, SecretCheckOfAnotherEdgeIsWrong) {
  EdgeClient second(address(), JoinEdge("edge-two"));
  const auto stream = Connect(second, "edge-two");
  stream->Send(BatchOf(1, {CheckInOf(record_)}));
  const auto ack = stream->WaitForAck(edge::v1::LANE_LIVE, 1);
  ASSERT_TRUE(ack.ok()) << ack.status();
  ASSERT_THAT(ack->verdicts(), SizeIs(1));
  EXPECT_EQ(ack->verdicts(0).code(), edge::v1::ITEM_VERDICT_CODE_WRONG_SECRET);
}

TEST_F(EdgeStreamTest, RepeatedNumberCountsOnceAndSkippedNumberNever) {
  const auto stream = Connect(*client_, "edge-one");
  const edge::v1::CheckIn first = CheckInOf(record_);
  stream->Send(BatchOf(1, {first}));
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  stream->Send(BatchOf(1, {CheckInOf(record_)}));
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  EXPECT_EQ(LastCheckIn(record_), first.time_us());
  stream->Send(BatchOf(3, {CheckInOf(record_)}));
  EXPECT_EQ(stream->WaitForEnd().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(LastCheckIn(record_), first.time_us());
}

TEST_F(EdgeStreamTest, NumbersGoOnAfterAReconnectAndARestart) {
  {
    const auto stream = Connect(*client_, "edge-one");
    stream->Send(BatchOf(1, {CheckInOf(record_)}));
    ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  }
  {
    const auto stream = Connect(*client_, "edge-one");
    EXPECT_EQ(AppliedLive(), 1u);
    stream->Send(BatchOf(2, {CheckInOf(record_)}));
    ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 2).ok());
  }
  Restart();
  EdgeClient again(address(), identity_);
  {
    const auto stream = Connect(again, "edge-one");
    EXPECT_EQ(AppliedLive(), 2u);
  }
  const auto other_spool = Connect(again, "edge-one", std::string(16, 't'));
  EXPECT_EQ(AppliedLive(), 0u);
}

TEST_F(EdgeStreamTest, OlderStreamOfTheSameEdgeIsFencedAndItsBatchCountsOnce) {
  const auto older = Connect(*client_, "edge-one");
  const auto newer = Connect(*client_, "edge-one");
  EXPECT_EQ(older->WaitForEnd().code(), absl::StatusCode::kAborted);
  const edge::v1::CheckIn item = CheckInOf(record_);
  newer->Send(BatchOf(1, {item}));
  ASSERT_TRUE(newer->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  EXPECT_EQ(LastCheckIn(record_), item.time_us());
}

TEST_F(EdgeStreamTest, DeviceHeardAtAnEdgeIsInItsNextSnapshot) {
  {
    const auto stream = Connect(*client_, "edge-one");
    stream->Send(BatchOf(1, {CheckInOf(record_)}));
    ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  }
  const auto stream = Connect(*client_, "edge-one");
  const auto chunk = stream->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().records_size() > 0;
  });
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_TRUE(chunk->state().snapshot());
  EXPECT_EQ(chunk->state().records(0).secret_check(), record_.secret_check());
}

TEST_F(EdgeStreamTest, DeviceHeardOnANewEdgeGetsItsRecordAndItsJobThere) {
  EdgeClient second(address(), JoinEdge("edge-two"));
  const auto one = Connect(*client_, "edge-one");
  one->Send(BatchOf(1, {CheckInOf(record_)}));
  ASSERT_TRUE(one->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  CreateJob(record_);
  const auto put = one->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().jobs_size() > 0;
  });
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->state().jobs(0).script(), ":put 1");

  const auto two = Connect(second, "edge-two");
  const Secret key = Secret(welcome_.secret_check_key());
  edge::v1::CheckIn item = CheckInOf(record_);
  item.set_secret_check(CheckUnder(key, record_));
  two->Send(BatchOf(1, {item}));
  // The record comes with the job or in a chunk before it.
  bool known = false;
  const auto moved = two->WaitFor([&](const ConnectResponse& response) {
    for (const edge::v1::DeviceRecord& record : response.state().records()) {
      known = known || record.device_id() == record_.device_id();
    }
    return response.has_state() && response.state().jobs_size() > 0;
  });
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->state().jobs(0).number(), put->state().jobs(0).number());
  EXPECT_TRUE(known);
}

TEST_F(EdgeStreamTest, CancelledJobIsTakenBackAndTheEdgesWordEndsIt) {
  const auto stream = Connect(*client_, "edge-one");
  stream->Send(BatchOf(1, {CheckInOf(record_)}));
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  const JobId job = CreateJob(record_);
  const auto put = stream->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().jobs_size() > 0;
  });
  ASSERT_TRUE(put.ok()) << put.status();
  Command cancel;
  cancel.mutable_cancel_job()->set_job_id(job.value);
  cancel.mutable_cancel_job()->set_organization_id(DefaultOrganization().value);
  ASSERT_TRUE(Propose(std::move(cancel)).ok());
  const auto removed = stream->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().removed_jobs_size() > 0;
  });
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->state().removed_jobs(0).number(), put->state().jobs(0).number());
  EXPECT_EQ(state().FindJobTarget(job, DeviceId{record_.device_id()})->state,
            JobTargetState::kCancelling);

  edge::v1::ConnectRequest request;
  request.mutable_batch()->set_lane(edge::v1::LANE_RESULTS);
  request.mutable_batch()->set_number(1);
  edge::v1::JobEvent& event = *request.mutable_batch()->add_job_events();
  event.set_device_id(record_.device_id());
  event.set_number(put->state().jobs(0).number());
  event.set_kind(edge::v1::JOB_EVENT_KIND_REMOVED);
  event.set_time_us(absl::ToUnixMicros(absl::Now()));
  event.set_secret_check(record_.secret_check());
  stream->Send(request);
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_RESULTS, 1).ok());
  EXPECT_EQ(state().FindJobTarget(job, DeviceId{record_.device_id()})->state,
            JobTargetState::kCancelled);
}

TEST_F(EdgeStreamTest, DeletedDeviceIsRevokedAtTheEdgeAndUnknownFromThenOn) {
  const auto stream = Connect(*client_, "edge-one");
  stream->Send(BatchOf(1, {CheckInOf(record_)}));
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  Command command;
  command.mutable_delete_device()->set_device_id(record_.device_id());
  command.mutable_delete_device()->set_organization_id(DefaultOrganization().value);
  ASSERT_TRUE(Propose(std::move(command)).ok());
  const auto revoked = stream->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().revocations_size() > 0;
  });
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->state().removed_devices(0), record_.device_id());
  stream->Send(BatchOf(2, {CheckInOf(record_)}));
  const auto ack = stream->WaitForAck(edge::v1::LANE_LIVE, 2);
  ASSERT_TRUE(ack.ok()) << ack.status();
  ASSERT_THAT(ack->verdicts(), SizeIs(1));
  EXPECT_EQ(ack->verdicts(0).code(), edge::v1::ITEM_VERDICT_CODE_UNKNOWN_DEVICE);
}

TEST_F(EdgeStreamTest, ANewTokenTravelsWithTheAgentOfferAndTheOldOneEndsWhenTheAgentReports) {
  const auto stream = Connect(*client_, "edge-one");
  stream->Send(BatchOf(1, {CheckInOf(record_)}));
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 1).ok());
  const DeviceId id{record_.device_id()};
  Command rotate;
  rotate.mutable_rotate_token()->set_device_id(id.value);
  rotate.mutable_rotate_token()->set_organization_id(DefaultOrganization().value);
  rotate.mutable_rotate_token()->set_proposed_sealed_secret(
      SealDeviceSecret(installation().master_key, id, RandomSecret(16)));
  rotate.mutable_rotate_token()->set_agent_version("9");
  ASSERT_TRUE(Propose(std::move(rotate)).ok());
  const auto told = stream->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().records_size() > 0 &&
           response.state().records(0).has_agent();
  });
  ASSERT_TRUE(told.ok()) << told.status();
  const edge::v1::DeviceRecord& record = told->state().records(0);
  EXPECT_EQ(record.secret_check(), record_.secret_check());
  EXPECT_EQ(record.next_epoch(), 2u);
  EXPECT_TRUE(record.agent().offered());
  EXPECT_EQ(record.agent().generation(), 1u);
  const auto token = routeros::OpenToken(installation().keys.token_keys,
                                         installation().keys.cluster_id, record.agent().token());
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->epoch, 2u);
  EXPECT_EQ(routeros::SecretCheck(Secret(welcome_.secret_check_key()), token->secret),
            record.next_secret_check());
  // The old one is good while the new one is tried.
  edge::v1::CheckIn tried = CheckInOf(record_);
  tried.set_secret_check(record.next_secret_check());
  stream->Send(BatchOf(2, {tried, CheckInOf(record_)}));
  auto ack = stream->WaitForAck(edge::v1::LANE_LIVE, 2);
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_THAT(ack->verdicts(), SizeIs(0));
  tried.set_time_us(absl::ToUnixMicros(absl::Now()));
  tried.mutable_facts()->set_agent_version("9+1");
  stream->Send(BatchOf(3, {tried}));
  const auto revoked = stream->WaitFor([](const ConnectResponse& response) {
    return response.has_state() && response.state().revocations_size() > 0;
  });
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->state().revocations(0).least_epoch(), 2u);
  stream->Send(BatchOf(4, {CheckInOf(record_)}));
  ack = stream->WaitForAck(edge::v1::LANE_LIVE, 4);
  ASSERT_TRUE(ack.ok()) << ack.status();
  ASSERT_THAT(ack->verdicts(), SizeIs(1));
  EXPECT_EQ(ack->verdicts(0).code(), edge::v1::ITEM_VERDICT_CODE_WRONG_SECRET);
}

TEST_F(EdgeStreamTest, WatermarkMovesTheEdge) {
  const auto stream = Connect(*client_, "edge-one");
  stream->Send(BatchOf(1, {CheckInOf(record_)}));
  edge::v1::ConnectRequest request;
  const int64_t time_us = absl::ToUnixMicros(absl::Now());
  request.mutable_watermark()->set_time_us(time_us);
  request.mutable_watermark()->set_live_number(1);
  stream->Send(request);
  stream->Send(BatchOf(2, {CheckInOf(record_)}));
  ASSERT_TRUE(stream->WaitForAck(edge::v1::LANE_LIVE, 2).ok());
  EXPECT_EQ(state().FindEdge("edge-one")->watermark_us, time_us);
}

TEST_F(EdgeStreamTest, GarbageEndsTheStreamAsInvalid) {
  const auto stream = client_->Connect();
  stream->Send(edge::v1::ConnectRequest());
  EXPECT_EQ(stream->WaitForEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EdgeStreamTest, StoppingSaysFarewell) {
  const auto stream = Connect(*client_, "edge-one");
  Restart();
  const auto farewell =
      stream->WaitFor([](const ConnectResponse& response) { return response.has_drain(); });
  EXPECT_TRUE(farewell.ok()) << farewell.status();
  EXPECT_EQ(stream->WaitForEnd().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace muster::server
