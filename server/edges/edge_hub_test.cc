#include "server/edges/edge_hub.h"

#include <chrono>
#include <functional>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/edges/edge_fakes.h"

namespace muster::server {
namespace {

using ::testing::SizeIs;

class EdgeHubTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  EdgeHubTest() : keys_(*GenerateClusterKeys(clock_.Now())), issuer_(keys_, clock_) {
    for (const std::string id : {"edge-one", "edge-two"}) {
      Edge edge;
      edge.id = id;
      edge.session_epoch = 5;
      edge.sealed_check_key =
          MakeJoinCredentials(issuer_, master_, id, "", clock_.Now())->sealed_check_key;
      state_.PutEdge(edge);
    }
    state_.AddDevice(master_, kDevice, secret_);
    hub_ = std::make_unique<EdgeHub>(context_, state_);
  }

  // Waits until `holds`, or fails.
  static bool Eventually(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  // A stream that has got its welcome and snapshot.
  std::shared_ptr<EdgeSession> Connect(const std::string& edge_id, FakeSink& sink,
                                       uint64_t epoch = 5) {
    std::shared_ptr<EdgeSession> session = *hub_->Open(edge_id, absl::InfiniteFuture(), sink);
    UpHello hello;
    hello.edge_id = edge_id;
    hello.spool_id = std::string(16, 's');
    session->OnMessage(hello);
    Result result;
    result.mutable_edge_session()->set_session_epoch(epoch);
    log_.Answer(result);
    EXPECT_TRUE(Eventually([&] { return WriteAndCount(*session, sink) >= 2; }));
    return session;
  }

  // Lets the stream go on; answers how many messages it has got.
  static size_t WriteAndCount(EdgeSession& session, FakeSink& sink) {
    session.OnWritten();
    return sink.written().size();
  }

  static constexpr DeviceId kDevice{101};
  SystemClock clock_;
  const Secret master_ = RandomSecret(32);
  const Secret secret_ = RandomSecret(16);
  const ClusterKeys keys_;
  const CertificateIssuer issuer_;
  FakeState state_;
  FakeLog log_;
  EdgeContext context_{log_, state_, master_, keys_, clock_};
  std::unique_ptr<EdgeHub> hub_;
};

TEST_F(EdgeHubTest, ReleasedJobReachesItsEdgeAndNoOther) {
  FakeSink one;
  FakeSink two;
  const auto first = Connect("edge-one", one);
  const auto second = Connect("edge-two", two);
  EdgeJob job;
  job.device = kDevice;
  job.number = 9;
  state_.PutJob("edge-one", job);
  Change change;
  change.kind = ChangeKind::kJobPut;
  change.device = kDevice;
  change.number = 9;
  change.edge = "edge-one";
  state_.Tell({1, {change}});
  ASSERT_TRUE(Eventually([&] { return WriteAndCount(*first, one) >= 3; }));
  const auto delta = std::get<DownState>(one.written()[2]);
  ASSERT_THAT(delta.jobs, SizeIs(1));
  EXPECT_EQ(delta.jobs[0].number, 9u);
  ASSERT_THAT(delta.devices, SizeIs(1));
  EXPECT_THAT(two.written(), SizeIs(2));
  hub_->Close(first);
  hub_->Close(second);
}

TEST_F(EdgeHubTest, NewerStreamAndRevocationEndOldStreams) {
  FakeSink old_sink;
  FakeSink new_sink;
  const auto old_session = Connect("edge-one", old_sink, 5);
  const auto new_session = Connect("edge-one", new_sink, 6);
  Edge edge = *state_.FindEdge("edge-one");
  edge.session_epoch = 6;
  state_.PutEdge(edge);
  Change change;
  change.kind = ChangeKind::kEdge;
  change.edge = "edge-one";
  state_.Tell({1, {change}});
  ASSERT_TRUE(Eventually([&] { return old_sink.finished().has_value(); }));
  EXPECT_EQ(old_sink.finished()->code(), absl::StatusCode::kAborted);
  EXPECT_FALSE(new_sink.finished().has_value());

  edge.revoke_time_us = 1;
  state_.PutEdge(edge);
  state_.Tell({2, {change}});
  ASSERT_TRUE(Eventually([&] { return new_sink.finished().has_value(); }));
  EXPECT_EQ(new_sink.finished()->code(), absl::StatusCode::kPermissionDenied);
  hub_->Close(old_session);
  hub_->Close(new_session);
}

TEST_F(EdgeHubTest, DeletedDeviceIsToldToEveryEdge) {
  FakeSink one;
  FakeSink two;
  const auto first = Connect("edge-one", one);
  const auto second = Connect("edge-two", two);
  state_.DeleteDevice(kDevice);
  Change change;
  change.kind = ChangeKind::kDeviceRevoked;
  change.device = kDevice;
  state_.Tell({1, {change}});
  EXPECT_TRUE(Eventually([&] { return WriteAndCount(*first, one) >= 3; }));
  EXPECT_TRUE(Eventually([&] { return WriteAndCount(*second, two) >= 3; }));
  hub_->Close(first);
  hub_->Close(second);
}

TEST_F(EdgeHubTest, DevicesOfAChangedOrganizationAreToldAgain) {
  constexpr DeviceId kStranger{102};
  state_.AddDevice(master_, kStranger, secret_);
  state_.PutAtEdge("edge-one", kDevice);
  FakeSink one;
  FakeSink two;
  const auto first = Connect("edge-one", one);
  const auto second = Connect("edge-two", two);
  state_.SetCodePage(kDevice, 3);
  Change change;
  change.kind = ChangeKind::kOrganization;
  change.organization = OrganizationId{8};
  Change own = change;
  own.organization = OrganizationId{7};
  state_.Tell({1, {change, own}});
  // After the welcome and the two chunks of the snapshot.
  ASSERT_TRUE(Eventually([&] { return WriteAndCount(*first, one) >= 4; }));
  const auto delta = std::get<DownState>(one.written()[3]);
  ASSERT_THAT(delta.devices, SizeIs(1));
  EXPECT_EQ(delta.devices[0].device, kDevice);
  EXPECT_EQ(delta.devices[0].code_page, 3u);
  // The other edge has met none of them.
  EXPECT_THAT(two.written(), SizeIs(2));
  hub_->Close(first);
  hub_->Close(second);
}

TEST_F(EdgeHubTest, AskingForContactsGoesToTheEdgeThatHeardTheDeviceLast) {
  FakeSink one;
  FakeSink two;
  const auto first = Connect("edge-one", one);
  const auto second = Connect("edge-two", two);
  EXPECT_EQ(hub_->AskContacts(DeviceId{999}, absl::Seconds(10)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(hub_->AskContacts(kDevice, absl::Seconds(10)).status().code(),
            absl::StatusCode::kFailedPrecondition);
  state_.SetLastEdge(kDevice, "edge-two");
  absl::StatusOr<RouterContacts> contacts = absl::UnknownError("not asked");
  std::thread operator_thread([&] { contacts = hub_->AskContacts(kDevice, absl::Seconds(10)); });
  EXPECT_TRUE(Eventually([&] { return WriteAndCount(*second, two) >= 3; }));
  const auto question = std::get<DownContactQuestion>(two.written()[2]);
  EXPECT_EQ(question.device, kDevice);
  UpContactAnswer answer;
  answer.question = question.question;
  answer.contacts.tls_version = "from the wrong edge";
  first->OnMessage(answer);
  answer.contacts.tls_version = "TLSv1.2";
  answer.contacts.contacts = {{RouterContactKind::kRefused, 5, 401, "revoked token"}};
  second->OnMessage(answer);
  operator_thread.join();
  ASSERT_TRUE(contacts.ok()) << contacts.status();
  EXPECT_EQ(contacts->tls_version, "TLSv1.2");
  ASSERT_THAT(contacts->contacts, SizeIs(1));
  EXPECT_EQ(contacts->contacts[0].http_status, 401u);
  EXPECT_THAT(one.written(), SizeIs(2));
  hub_->Close(first);
  hub_->Close(second);
}

TEST_F(EdgeHubTest, ContactsOfAnEdgeThatIsNotThereAreUnavailable) {
  state_.SetLastEdge(kDevice, "edge-one");
  EXPECT_EQ(hub_->AskContacts(kDevice, absl::Seconds(10)).status().code(),
            absl::StatusCode::kUnavailable);
  FakeSink sink;
  const auto session = Connect("edge-one", sink);
  // It is silent.
  EXPECT_EQ(hub_->AskContacts(kDevice, absl::Milliseconds(1)).status().code(),
            absl::StatusCode::kUnavailable);
  // It goes away while somebody waits.
  absl::StatusOr<RouterContacts> contacts = RouterContacts();
  std::thread operator_thread([&] { contacts = hub_->AskContacts(kDevice, absl::Hours(1)); });
  EXPECT_TRUE(Eventually([&] { return WriteAndCount(*session, sink) >= 4; }));
  hub_->Close(session);
  operator_thread.join();
  EXPECT_EQ(contacts.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(EdgeHubTest, EdgeWithTooManyStreamsIsRefused) {
  std::vector<std::shared_ptr<EdgeSession>> sessions;
  FakeSink sink;
  absl::StatusOr<std::shared_ptr<EdgeSession>> opened =
      hub_->Open("edge-one", absl::InfiniteFuture(), sink);
  while (opened.ok()) {
    sessions.push_back(*opened);
    ASSERT_LT(sessions.size(), 100u);
    opened = hub_->Open("edge-one", absl::InfiniteFuture(), sink);
  }
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kResourceExhausted);
  for (const auto& session : sessions) hub_->Close(session);
}

TEST_F(EdgeHubTest, DrainFinishesStreamsAndTakesNoNewOnes) {
  FakeSink sink;
  const auto session = Connect("edge-one", sink);
  std::thread drain([&] { hub_->Drain(absl::Seconds(10)); });
  EXPECT_TRUE(Eventually([&] {
    session->OnWritten();
    return sink.finished().has_value();
  }));
  session->OnClosed();
  hub_->Close(session);
  drain.join();
  FakeSink other;
  EXPECT_EQ(hub_->Open("edge-one", absl::InfiniteFuture(), other).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(EdgeHubTest, ManyThreadsLeaveNothingUntold) {
  FakeSink sink;
  const auto session = Connect("edge-one", sink);
  std::vector<std::thread> tellers;
  for (uint64_t t = 0; t < 4; ++t) {
    tellers.emplace_back([&, t] {
      for (uint64_t i = 1; i <= 500; ++i) {
        Change change;
        change.kind = ChangeKind::kJobRemove;
        change.device = DeviceId{t * 1000 + i};
        change.number = i;
        change.edge = "edge-one";
        state_.Tell({i, {change}});
      }
    });
  }
  const auto told = [&] {
    session->OnWritten();
    size_t removed = 0;
    for (const DownMessage& message : sink.written()) {
      if (const auto* state = std::get_if<DownState>(&message)) {
        removed += state->removed_jobs.size();
      }
    }
    return removed == 2'000;
  };
  EXPECT_TRUE(Eventually(told));
  for (std::thread& teller : tellers) teller.join();
  hub_->Close(session);
}

}  // namespace
}  // namespace muster::server
