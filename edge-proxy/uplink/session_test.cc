#include "edge-proxy/uplink/session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "edge-proxy/heartbeats/calls_fixture.h"

namespace muster::edge {
namespace {

namespace wire = ::muster::edge::v1;

class SessionTest : public testing::Test {
 protected:
  SessionTest() { Begin(); }

  void Begin() {
    session_.reset();
    session_ = std::make_unique<Session>(SessionParts{.edge_id = "west",
                                                      .cluster_id = std::string(16, 'c'),
                                                      .clock = clock_,
                                                      .own_clock = edge_.clock,
                                                      .outbox = outbox_,
                                                      .devices = devices_,
                                                      .jobs = jobs_,
                                                      .gate = gate_,
                                                      .contacts = edge_.contacts,
                                                      .fast = edge_.fast,
                                                      .roots = roots_});
  }
  static wire::ConnectResponse Welcome() {
    wire::ConnectResponse response;
    wire::Welcome& welcome = *response.mutable_welcome();
    welcome.set_cluster_id(std::string(16, 'c'));
    wire::TokenKey* key = welcome.add_token_keys();
    key->set_key_id(1);
    key->set_key(std::string(32, 'k'));
    welcome.set_secret_check_key(std::string(32, 'e'));
    return response;
  }
  static void AddRecord(wire::StateChunk& chunk, uint64_t device) {
    wire::DeviceRecord* record = chunk.add_records();
    record->set_device_id(device);
    record->set_organization_id(3);
    record->set_secret_check(std::string(16, 's'));
  }
  static void AddJob(wire::StateChunk& chunk, uint64_t device, uint64_t number) {
    wire::JobPut* put = chunk.add_jobs();
    put->set_device_id(device);
    put->set_number(number);
    put->set_script(":put 1");
    put->set_not_after_us(absl::ToUnixMicros(absl::FromUnixSeconds(2'000'000'000)));
  }
  static wire::ConnectResponse Chunk(uint64_t generation, bool snapshot, bool last) {
    wire::ConnectResponse response;
    response.mutable_state()->set_generation(generation);
    response.mutable_state()->set_snapshot(snapshot);
    response.mutable_state()->set_last(last);
    return response;
  }
  // The next message of that kind; the others are thrown away.
  std::optional<wire::ConnectRequest> NextOf(wire::ConnectRequest::MessageCase kind) {
    while (auto request = session_->Next()) {
      if (request->message_case() == kind) return request;
    }
    return std::nullopt;
  }

  CallsFixture edge_;
  CorrectedClock clock_{edge_.clock};
  RouterRoots roots_{"own root"};
  DeviceTable devices_;
  TokenGate gate_{devices_, edge_.metrics, edge_.clock};
  Outbox outbox_{clock_, OutboxLimits(), [] {}, [] {}};
  ProvenJobEvents events_{devices_, outbox_};
  JobShelf jobs_{PayloadRules{}, events_};
  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, SaysHelloAndNothingElseUntilItIsWelcome) {
  const wire::ConnectRequest hello = session_->Hello();
  EXPECT_EQ(hello.hello().edge_id(), "west");
  EXPECT_EQ(hello.hello().spool_id().size(), 16u);
  outbox_.AddJobEvent({.device = DeviceId{1}, .number = 1});
  EXPECT_FALSE(session_->Next().has_value());
  EXPECT_FALSE(gate_.ready());
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  EXPECT_TRUE(gate_.ready());
  EXPECT_TRUE(NextOf(wire::ConnectRequest::kBatch).has_value());
}

TEST_F(SessionTest, SendsAWatermarkEachSecond) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  EXPECT_TRUE(NextOf(wire::ConnectRequest::kWatermark).has_value());
  EXPECT_FALSE(NextOf(wire::ConnectRequest::kWatermark).has_value());
  edge_.clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(NextOf(wire::ConnectRequest::kWatermark).has_value());
}

TEST_F(SessionTest, RefusesAWelcomeThatCantBe) {
  wire::ConnectResponse foreign = Welcome();
  foreign.mutable_welcome()->set_cluster_id(std::string(16, 'x'));
  EXPECT_FALSE(session_->Take(foreign).ok());
  wire::ConnectResponse short_key = Welcome();
  short_key.mutable_welcome()->mutable_token_keys(0)->set_key("short");
  EXPECT_FALSE(session_->Take(short_key).ok());
  EXPECT_FALSE(gate_.ready());
  wire::ConnectResponse ack;
  ack.mutable_ack()->set_lane(wire::LANE_LIVE);
  EXPECT_FALSE(session_->Take(ack).ok());
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  EXPECT_FALSE(session_->Take(Welcome()).ok());
}

TEST_F(SessionTest, CorrectsTheClockAndTakesRevocations) {
  wire::ConnectResponse welcome = Welcome();
  welcome.mutable_welcome()->set_time_offset_us(-2'000'000);
  wire::Revocation* revocation = welcome.mutable_welcome()->add_revocations();
  revocation->set_device_id(5);
  revocation->set_least_epoch(4);
  ASSERT_TRUE(session_->Take(welcome).ok());
  EXPECT_EQ(clock_.Now(), edge_.clock.Now() - absl::Seconds(2));
  EXPECT_EQ(devices_.Judge(DeviceId{5}, OrganizationId{3}, 3, "").standing, Standing::kRevoked);
}

TEST_F(SessionTest, TakesASnapshotWholeWhenItsLastChunkHasCome) {
  devices_.Put({.device = DeviceId{99}, .organization = OrganizationId{3}});
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  wire::ConnectResponse first = Chunk(1, true, false);
  AddRecord(*first.mutable_state(), 5);
  AddJob(*first.mutable_state(), 5, 10);
  ASSERT_TRUE(session_->Take(first).ok());
  EXPECT_EQ(jobs_.size(), 0u);
  EXPECT_FALSE(NextOf(wire::ConnectRequest::kStateVerdict).has_value());
  wire::ConnectResponse last = Chunk(1, true, true);
  AddRecord(*last.mutable_state(), 6);
  ASSERT_TRUE(session_->Take(last).ok());
  EXPECT_EQ(devices_.size(), 2u);
  EXPECT_EQ(jobs_.size(), 1u);
  const auto verdict = NextOf(wire::ConnectRequest::kStateVerdict);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->state_verdict().generation(), 1u);
  EXPECT_EQ(verdict->state_verdict().refusal(), "");
}

TEST_F(SessionTest, AJobOfADeviceThatLeftWithASnapshotIsReportedWithItsCheck) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  wire::ConnectResponse before = Chunk(1, true, true);
  AddRecord(*before.mutable_state(), 5);
  AddJob(*before.mutable_state(), 5, 10);
  AddRecord(*before.mutable_state(), 6);
  AddJob(*before.mutable_state(), 6, 11);
  ASSERT_TRUE(session_->Take(before).ok());
  wire::ConnectResponse after = Chunk(2, true, true);
  AddRecord(*after.mutable_state(), 6);
  after.mutable_state()->mutable_records(0)->set_secret_check(std::string(16, 'n'));
  ASSERT_TRUE(session_->Take(after).ok());
  EXPECT_EQ(devices_.size(), 1u);
  const auto batch = NextOf(wire::ConnectRequest::kBatch);
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->batch().job_events_size(), 2);
  for (const wire::JobEvent& event : batch->batch().job_events()) {
    EXPECT_EQ(event.secret_check(), std::string(16, event.device_id() == 5 ? 's' : 'n'));
  }
}

TEST_F(SessionTest, DeltasChangeWhatIsThere) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  wire::ConnectResponse put = Chunk(1, false, true);
  AddRecord(*put.mutable_state(), 5);
  AddRecord(*put.mutable_state(), 6);
  AddJob(*put.mutable_state(), 5, 10);
  AddJob(*put.mutable_state(), 6, 11);
  ASSERT_TRUE(session_->Take(put).ok());
  wire::ConnectResponse removed = Chunk(2, false, true);
  wire::JobRemove* job = removed.mutable_state()->add_removed_jobs();
  job->set_device_id(5);
  job->set_number(10);
  removed.mutable_state()->add_removed_devices(5);
  ASSERT_TRUE(session_->Take(removed).ok());
  EXPECT_EQ(devices_.size(), 1u);
  EXPECT_EQ(jobs_.size(), 1u);
  const auto batch = NextOf(wire::ConnectRequest::kBatch);
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->batch().job_events_size(), 1);
  EXPECT_EQ(batch->batch().job_events(0).kind(), wire::JOB_EVENT_KIND_REMOVED);
  // The record was still there when the job went.
  EXPECT_EQ(batch->batch().job_events(0).secret_check(), std::string(16, 's'));
}

TEST_F(SessionTest, AGenerationThatIsBrokenAnywhereChangesNothing) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  wire::ConnectResponse good = Chunk(1, true, true);
  AddRecord(*good.mutable_state(), 5);
  ASSERT_TRUE(session_->Take(good).ok());
  wire::ConnectResponse first = Chunk(2, true, false);
  AddRecord(*first.mutable_state(), 6);
  AddRecord(*first.mutable_state(), 7);
  first.mutable_state()->mutable_records(1)->set_secret_check("short");
  ASSERT_TRUE(session_->Take(first).ok());
  ASSERT_TRUE(session_->Take(Chunk(2, true, true)).ok());
  EXPECT_EQ(devices_.size(), 1u);
  const auto good_verdict = NextOf(wire::ConnectRequest::kStateVerdict);
  const auto verdict = NextOf(wire::ConnectRequest::kStateVerdict);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->state_verdict().generation(), 2u);
  EXPECT_NE(verdict->state_verdict().refusal(), "");
  EXPECT_EQ(good_verdict->state_verdict().refusal(), "");
}

TEST_F(SessionTest, AControlPlaneThatWentBackIsMetAnewAtOnce) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  outbox_.AddJobEvent({.device = DeviceId{1}, .number = 1});
  ASSERT_TRUE(NextOf(wire::ConnectRequest::kBatch).has_value());
  wire::ConnectResponse ack;
  ack.mutable_ack()->set_lane(wire::LANE_RESULTS);
  ack.mutable_ack()->set_number(1);
  ASSERT_TRUE(session_->Take(ack).ok());
  const std::string spool = session_->Hello().hello().spool_id();
  Begin();
  EXPECT_EQ(session_->Take(Welcome()).code(), absl::StatusCode::kAborted);
  Begin();
  EXPECT_NE(session_->Hello().hello().spool_id(), spool);
  EXPECT_TRUE(session_->Take(Welcome()).ok());
}

TEST_F(SessionTest, ADrainEndsTheSession) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  wire::ConnectResponse drain;
  drain.mutable_drain()->set_reason("stopping");
  EXPECT_EQ(session_->Take(drain).code(), absl::StatusCode::kUnavailable);
}

TEST_F(SessionTest, TakesWhatARecordSaysOfTheNextTokenTheAgentAndTheCodePage) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  wire::ConnectResponse chunk = Chunk(1, true, true);
  AddRecord(*chunk.mutable_state(), 5);
  AddRecord(*chunk.mutable_state(), 6);
  for (wire::DeviceRecord& record : *chunk.mutable_state()->mutable_records()) {
    record.set_next_epoch(2);
    record.set_next_secret_check(std::string(16, 'n'));
    record.set_code_page(wire::CODE_PAGE_WINDOWS_1251);
    record.set_released(true);
    record.set_interval_seconds(300);
    wire::AgentOffer& offer = *record.mutable_agent();
    offer.set_agent_version("2");
    offer.set_generation(7);
    offer.set_profile(wire::PROFILE_METERED);
    offer.add_urls("https://one.example.net");
    offer.set_offered(true);
  }
  ASSERT_TRUE(session_->Take(chunk).ok());
  const auto judgement = devices_.Judge(DeviceId{5}, OrganizationId{3}, 2, std::string(16, 'n'));
  EXPECT_EQ(judgement.standing, Standing::kKnown);
  EXPECT_EQ(judgement.code_page, routeros::CodePage::kWindows1251);
  EXPECT_EQ(judgement.interval_seconds, 300u);
  EXPECT_TRUE(judgement.released);
  const auto offer = devices_.OfferOf(DeviceId{5});
  ASSERT_NE(offer, nullptr);
  EXPECT_EQ(offer->generation, 7u);
  EXPECT_EQ(offer->profile, Profile::kMetered);
  EXPECT_EQ(offer, devices_.OfferOf(DeviceId{6})) << "they share what is the same";
  chunk = Chunk(2, false, true);
  AddRecord(*chunk.mutable_state(), 5);
  chunk.mutable_state()->mutable_records(0)->set_next_epoch(2);
  ASSERT_TRUE(session_->Take(chunk).ok());
  EXPECT_NE(NextOf(wire::ConnectRequest::kStateVerdict), std::nullopt);
  EXPECT_NE(NextOf(wire::ConnectRequest::kStateVerdict)->state_verdict().refusal(), "");
}

TEST_F(SessionTest, AnswersWhatItRemembersOfARouter) {
  ASSERT_TRUE(session_->Take(Welcome()).ok());
  edge_.contacts.Add(
      DeviceId{5},
      {ContactKind::kRefused, absl::FromUnixSeconds(1'790'000'000), 401, "revoked token"},
      {.tls_version = "TLSv1.2", .tls_cipher = "cipher", .tls_group = "x25519"});
  wire::ConnectResponse question;
  question.mutable_contact_question()->set_question(9);
  question.mutable_contact_question()->set_device_id(5);
  ASSERT_TRUE(session_->Take(question).ok());
  auto request = NextOf(wire::ConnectRequest::kContactAnswer);
  ASSERT_TRUE(request.has_value());
  const wire::ContactAnswer& answer = request->contact_answer();
  EXPECT_EQ(answer.question(), 9u);
  ASSERT_EQ(answer.contacts_size(), 1);
  EXPECT_EQ(answer.contacts(0).kind(), wire::CONTACT_KIND_REFUSED);
  EXPECT_EQ(answer.contacts(0).http_status(), 401u);
  EXPECT_EQ(answer.contacts(0).reason(), "revoked token");
  EXPECT_EQ(answer.contacts(0).time_us(), 1'790'000'000'000'000);
  EXPECT_EQ(answer.tls_group(), "x25519");
  question.mutable_contact_question()->set_device_id(6);
  ASSERT_TRUE(session_->Take(question).ok());
  request = NextOf(wire::ConnectRequest::kContactAnswer);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->contact_answer().contacts_size(), 0);
}

}  // namespace
}  // namespace muster::edge
