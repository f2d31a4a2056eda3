#include "server/grpc_api/edge_convert/edge_convert.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kTime = 1'750'000'000'000'000;

edge::v1::CheckIn CheckIn(uint64_t device) {
  edge::v1::CheckIn item;
  item.set_device_id(device);
  item.set_time_us(kTime + static_cast<int64_t>(device));
  item.set_secret_check(std::string(16, static_cast<char>(device)));
  item.set_interval_seconds(30);
  item.set_boot("boot");
  item.set_cpu_load_percent(0);
  return item;
}

edge::v1::ConnectRequest BatchOf(const std::vector<edge::v1::CheckIn>& items) {
  edge::v1::ConnectRequest request;
  request.mutable_batch()->set_lane(edge::v1::LANE_LIVE);
  request.mutable_batch()->set_number(7);
  for (const edge::v1::CheckIn& item : items) *request.mutable_batch()->add_check_ins() = item;
  return request;
}

UpBatch Decoded(const std::string& bytes) {
  UpDecoder decoder;
  absl::StatusOr<UpMessage> message = decoder.Decode(bytes);
  EXPECT_TRUE(message.ok()) << message.status();
  return std::get<UpBatch>(*std::move(message));
}

UpBatch Decoded(const edge::v1::ConnectRequest& request) {
  return Decoded(request.SerializeAsString());
}

TEST(EdgeConvertTest, TakesCheckInsWithAllTheirFields) {
  edge::v1::CheckIn item = CheckIn(5);
  item.set_uptime_seconds(100);
  item.set_last_number(9);
  item.set_running_number(8);
  item.set_memory_free_bytes(1);
  item.set_memory_total_bytes(2);
  item.set_source_address("\x7f\x01\x01\x01");
  item.set_router_clock("2026-11-22 10:00:00");
  item.set_text_repaired(3);
  item.set_numbers_dropped(4);
  edge::v1::HealthReading& health = *item.add_health();
  health.set_sensor("temperature");
  health.set_value_milli(41'000);
  health.set_unit("C");
  edge::v1::LinkReading& link = *item.add_links();
  link.set_link("wan");
  link.set_rtt_us(9739);
  item.mutable_facts()->set_identity("router");
  item.mutable_facts()->set_format_hex(true);
  const UpBatch batch = Decoded(BatchOf({item, CheckIn(6)}));
  EXPECT_EQ(batch.batch.lane(), 2u);
  EXPECT_EQ(batch.batch.number(), 7u);
  EXPECT_EQ(batch.batch.base_time_us(), kTime + 5);
  ASSERT_EQ(batch.batch.check_ins_size(), 2);
  const internal::v1::CheckIn& taken = batch.batch.check_ins(0);
  EXPECT_EQ(taken.device_id(), 5u);
  EXPECT_EQ(taken.time_delta_us(), 0);
  EXPECT_EQ(taken.uptime_seconds(), 100u);
  EXPECT_TRUE(taken.has_cpu_load_percent());
  EXPECT_FALSE(taken.has_cpu_count());
  EXPECT_EQ(taken.last_number(), 9u);
  EXPECT_EQ(taken.running_number(), 8u);
  EXPECT_EQ(taken.source_address(), "\x7f\x01\x01\x01");
  EXPECT_EQ(taken.text_repaired(), 3u);
  EXPECT_EQ(taken.numbers_dropped(), 4u);
  EXPECT_EQ(taken.facts().identity(), "router");
  EXPECT_TRUE(taken.facts().format_hex());
  internal::v1::Readings readings;
  ASSERT_TRUE(readings.ParseFromString(taken.readings()));
  ASSERT_EQ(readings.health_size(), 1);
  EXPECT_EQ(readings.health(0).value_milli(), 41'000);
  ASSERT_EQ(readings.links_size(), 1);
  EXPECT_EQ(readings.links(0).rtt_us(), 9739u);
  EXPECT_FALSE(readings.links(0).has_jitter_us());
  EXPECT_EQ(readings.router_clock(), "2026-11-22 10:00:00");
  EXPECT_EQ(batch.batch.check_ins(1).item(), 1u);
  EXPECT_FALSE(batch.batch.check_ins(1).has_facts());
  ASSERT_THAT(batch.proofs, SizeIs(2));
  EXPECT_EQ(batch.proofs[0].device, DeviceId{5});
  EXPECT_TRUE(batch.proofs[0].present);
  EXPECT_THAT(batch.refused, IsEmpty());
}

TEST(EdgeConvertTest, NothingOfOneItemLeaksIntoTheNext) {
  edge::v1::CheckIn full = CheckIn(5);
  full.set_uptime_seconds(100);
  full.mutable_facts()->set_identity("first");
  full.add_health()->set_sensor("temperature");
  const UpBatch batch = Decoded(BatchOf({full, CheckIn(6)}));
  EXPECT_FALSE(batch.batch.check_ins(1).has_uptime_seconds());
  EXPECT_FALSE(batch.batch.check_ins(1).has_facts());
  EXPECT_EQ(batch.batch.check_ins(1).readings(), "");
}

TEST(EdgeConvertTest, ItemThatIsNotUtf8IsRefusedAloneAndByPlace) {
  edge::v1::ConnectRequest request = BatchOf({CheckIn(1), CheckIn(2), CheckIn(3)});
  request.mutable_batch()->mutable_check_ins(1)->set_boot("bo\xfft");
  const UpBatch batch = Decoded(request);
  ASSERT_EQ(batch.batch.check_ins_size(), 2);
  EXPECT_EQ(batch.batch.check_ins(0).item(), 0u);
  EXPECT_EQ(batch.batch.check_ins(1).item(), 2u);
  EXPECT_THAT(batch.proofs, SizeIs(2));
  ASSERT_THAT(batch.refused, SizeIs(1));
  EXPECT_EQ(batch.refused[0].item, 1u);
  EXPECT_EQ(batch.refused[0].batch_number, 7u);
  EXPECT_EQ(batch.refused[0].code, ItemVerdictCode::kRefused);
}

struct BadItem {
  const char* name;
  void (*spoil)(edge::v1::CheckIn&);
};

TEST(EdgeConvertTest, MalformedItemsAreRefusedAlone) {
  const BadItem items[] = {
      {"no device", [](edge::v1::CheckIn& item) { item.set_device_id(0); }},
      {"no time", [](edge::v1::CheckIn& item) { item.set_time_us(0); }},
      {"negative time", [](edge::v1::CheckIn& item) { item.set_time_us(-5); }},
      {"no interval", [](edge::v1::CheckIn& item) { item.set_interval_seconds(0); }},
      {"long interval", [](edge::v1::CheckIn& item) { item.set_interval_seconds(3'601); }},
      {"address", [](edge::v1::CheckIn& item) { item.set_source_address("abc"); }},
      {"boot", [](edge::v1::CheckIn& item) { item.set_boot(std::string(65, 'x')); }},
      {"mac", [](edge::v1::CheckIn& item) { item.mutable_facts()->set_mac_address("x"); }},
      {"identity",
       [](edge::v1::CheckIn& item) { item.mutable_facts()->set_identity(std::string(257, 'x')); }},
      {"health",
       [](edge::v1::CheckIn& item) {
         for (int i = 0; i < 65; ++i) item.add_health();
       }},
  };
  for (const BadItem& bad : items) {
    edge::v1::CheckIn item = CheckIn(1);
    bad.spoil(item);
    const UpBatch batch = Decoded(BatchOf({item, CheckIn(2)}));
    EXPECT_EQ(batch.batch.check_ins_size(), 1) << bad.name;
    EXPECT_THAT(batch.refused, SizeIs(1)) << bad.name;
    EXPECT_THAT(batch.proofs, SizeIs(1)) << bad.name;
  }
}

TEST(EdgeConvertTest, ReadingsAreCutToWhatTheStateKeeps) {
  edge::v1::CheckIn item = CheckIn(1);
  for (int i = 0; i < 40; ++i) item.add_health()->set_sensor(std::string(100, 'x'));
  item.set_router_clock("now");
  const UpBatch batch = Decoded(BatchOf({item}));
  const std::string& bytes = batch.batch.check_ins(0).readings();
  EXPECT_LE(bytes.size(), 1'024u);
  internal::v1::Readings readings;
  ASSERT_TRUE(readings.ParseFromString(bytes));
  EXPECT_GT(readings.health_size(), 5);
  EXPECT_EQ(readings.router_clock(), "now");
}

TEST(EdgeConvertTest, ItemsCountThroughCheckInsEventsAndResults) {
  edge::v1::ConnectRequest request = BatchOf({CheckIn(1)});
  edge::v1::JobEvent& event = *request.mutable_batch()->add_job_events();
  event.set_device_id(2);
  event.set_number(20);
  event.set_kind(edge::v1::JOB_EVENT_KIND_SENT);
  event.set_times_sent(1);
  event.set_secret_check(std::string(16, 'e'));
  edge::v1::JobResult& bad = *request.mutable_batch()->add_job_results();
  bad.set_device_id(3);
  edge::v1::JobResult& result = *request.mutable_batch()->add_job_results();
  result.set_device_id(3);
  result.set_number(30);
  result.set_status(edge::v1::JOB_RESULT_STATUS_FAILED);
  result.set_output("out");
  result.set_error("why");
  const UpBatch batch = Decoded(request);
  ASSERT_EQ(batch.batch.job_events_size(), 1);
  EXPECT_EQ(batch.batch.job_events(0).item(), 1u);
  EXPECT_EQ(batch.batch.job_events(0).kind(), 1u);
  ASSERT_EQ(batch.batch.job_results_size(), 1);
  EXPECT_EQ(batch.batch.job_results(0).item(), 3u);
  EXPECT_EQ(batch.batch.job_results(0).output(), "out");
  ASSERT_THAT(batch.refused, SizeIs(1));
  EXPECT_EQ(batch.refused[0].item, 2u);
  ASSERT_THAT(batch.proofs, SizeIs(3));
  EXPECT_EQ(batch.proofs[1].device, DeviceId{2});
  EXPECT_EQ(batch.proofs[2].device, DeviceId{3});
  EXPECT_FALSE(batch.proofs[2].present);
}

TEST(EdgeConvertTest, EveryCutOfAMessageIsRefusedOrTakenButNeverMisread) {
  const std::string whole = BatchOf({CheckIn(1), CheckIn(2)}).SerializeAsString();
  UpDecoder decoder;
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decoder.Decode(absl::string_view(whole).substr(0, size)).ok()) << size;
  }
}

TEST(EdgeConvertTest, ReadsHelloWatermarkAndStateVerdict) {
  UpDecoder decoder;
  edge::v1::ConnectRequest request;
  request.mutable_hello()->set_edge_id("edge-one");
  request.mutable_hello()->set_spool_id(std::string(16, 's'));
  request.mutable_hello()->set_time_us(kTime);
  const UpMessage hello = *decoder.Decode(request.SerializeAsString());
  EXPECT_EQ(std::get<UpHello>(hello).edge_id, "edge-one");
  EXPECT_EQ(std::get<UpHello>(hello).time_us, kTime);
  request.mutable_watermark()->set_live_number(4);
  const UpMessage watermark = *decoder.Decode(request.SerializeAsString());
  EXPECT_EQ(std::get<UpWatermark>(watermark).live_number, 4u);
  request.mutable_state_verdict()->set_refusal("no");
  const UpMessage verdict = *decoder.Decode(request.SerializeAsString());
  EXPECT_EQ(std::get<UpStateVerdict>(verdict).refusal, "no");
  EXPECT_FALSE(decoder.Decode("").ok());
}

TEST(EdgeConvertTest, WritesWhatTheProtoSays) {
  DownState state;
  state.generation = 3;
  state.snapshot = true;
  state.last = true;
  EdgeDevice device;
  device.device = DeviceId{1};
  device.organization = OrganizationId{2};
  device.secret_check.fill('c');
  state.devices.push_back(device);
  EdgeJob job;
  job.device = DeviceId{1};
  job.number = 10;
  job.script = ":put 1";
  job.not_after_us = 5;
  state.jobs.push_back(job);
  state.removed_jobs.push_back({DeviceId{1}, 9});
  state.revocations.push_back({DeviceId{4}, 2});
  state.removed_devices.push_back(DeviceId{4});
  state.stopped_jobs.push_back({DeviceId{1}, 8});
  state.fast_beats.push_back({DeviceId{1}, 60});
  edge::v1::ConnectResponse response;
  ASSERT_TRUE(response.ParseFromString(EncodeDown(state)));
  const edge::v1::StateChunk& chunk = response.state();
  EXPECT_EQ(chunk.generation(), 3u);
  EXPECT_TRUE(chunk.snapshot() && chunk.last());
  EXPECT_EQ(chunk.records(0).secret_check(), std::string(16, 'c'));
  EXPECT_EQ(chunk.records(0).interval_seconds(), 30u);
  EXPECT_EQ(chunk.jobs(0).script(), ":put 1");
  EXPECT_EQ(chunk.removed_jobs(0).number(), 9u);
  EXPECT_EQ(chunk.revocations(0).least_epoch(), 2u);
  EXPECT_THAT(chunk.removed_devices(), ElementsAre(4u));
  EXPECT_EQ(chunk.stopped_jobs(0).number(), 8u);
  EXPECT_EQ(chunk.fast_beats(0).device_id(), 1u);
  EXPECT_EQ(chunk.fast_beats(0).seconds(), 60u);

  ASSERT_TRUE(response.ParseFromString(
      EncodeDown(DownAck{{Lane::kLive, 6}, {{6, 2, ItemVerdictCode::kWrongSecret, "why"}}})));
  EXPECT_EQ(response.ack().number(), 6u);
  EXPECT_EQ(response.ack().verdicts(0).code(), edge::v1::ITEM_VERDICT_CODE_WRONG_SECRET);
}

TEST(EdgeConvertTest, ContactsAreAskedForAndTaken) {
  edge::v1::ConnectResponse question;
  ASSERT_TRUE(question.ParseFromString(EncodeDown(DownContactQuestion{7, DeviceId{5}})));
  EXPECT_EQ(question.contact_question().question(), 7u);
  EXPECT_EQ(question.contact_question().device_id(), 5u);
  edge::v1::ConnectRequest request;
  edge::v1::ContactAnswer& answer = *request.mutable_contact_answer();
  answer.set_question(7);
  answer.set_tls_cipher("ECDHE-ECDSA-AES128-GCM-SHA256");
  answer.set_source_address("\x7f\x01\x01\x01");
  for (int i = 0; i < 30; ++i) {
    edge::v1::Contact& contact = *answer.add_contacts();
    contact.set_kind(edge::v1::CONTACT_KIND_REFUSED);
    contact.set_time_us(kTime - i);
    contact.set_http_status(401);
    contact.set_reason("revoked\x1b[2J token");
  }
  UpDecoder decoder;
  absl::StatusOr<UpMessage> message = decoder.Decode(request.SerializeAsString());
  ASSERT_TRUE(message.ok()) << message.status();
  const auto taken = std::get<UpContactAnswer>(*message);
  EXPECT_EQ(taken.question, 7u);
  EXPECT_EQ(taken.contacts.tls_cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  ASSERT_THAT(taken.contacts.contacts, SizeIs(20));
  EXPECT_EQ(taken.contacts.contacts[0].kind, RouterContactKind::kRefused);
  EXPECT_EQ(taken.contacts.contacts[0].http_status, 401u);
  EXPECT_EQ(taken.contacts.contacts[0].reason.find('\x1b'), std::string::npos);
  answer.set_source_address("abc");
  EXPECT_FALSE(decoder.Decode(request.SerializeAsString()).ok());
}

}  // namespace
}  // namespace muster::server
