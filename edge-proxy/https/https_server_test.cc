// What connections carry, over real TLS on loopback: requests, replies, bodies, tokens.
#include <thread>
#include <vector>

#include "edge-proxy/https/https_server_fixture.h"

namespace muster::edge {
namespace {

TEST_F(HttpsServerTest, AnswersAHeartbeatAndGoesOn) {
  Start();
  Client client(port_);
  ASSERT_TRUE(client.connected());
  for (int i = 0; i < 3; ++i) {
    const std::string reply = client.Ask(Post("/v1/heartbeat", edge_.Token(), kBeat));
    EXPECT_EQ(StatusOf(reply), 200);
    EXPECT_TRUE(absl::EndsWith(reply, "Content-Length: 1\r\n\r\n0")) << reply;
    EXPECT_FALSE(absl::StrContains(reply, "chunked"));
  }
  ASSERT_EQ(edge_.upstream.check_ins().size(), 3u);
  EXPECT_EQ(edge_.upstream.check_ins()[0].source_address, std::string("\x7f\0\0\1", 4));
}

TEST_F(HttpsServerTest, RefusesWithTheRightStatusAndCloses) {
  Start();
  std::string fields = "GET /healthz HTTP/1.1\r\nHost: e\r\n";
  for (int i = 0; i < 10000; ++i) absl::StrAppend(&fields, "x", i, ": y\r\n");
  const std::vector<std::pair<std::string, int>> rows = {
      {"hello\r\n\r\n", 400},
      {"GET /nothing HTTP/1.1\r\nHost: e\r\n\r\n", 404},
      {"GET /v1/heartbeat HTTP/1.1\r\nHost: e\r\n\r\n", 405},
      {"POST /v1/heartbeat HTTP/1.1\r\nHost: e\r\n\r\n", 411},
      {Post("/v1/heartbeat", "m1.forged", kBeat), 401},
      {Post("/v1/heartbeat", "m1.forged", std::string(16384, 'x')), 401},
      {Post("/v1/heartbeat", edge_.Token(), std::string(16385, 'x')), 413},
      {Post("/v1/heartbeat", edge_.Token(), "{"), 400},
      {fields + "\r\n", 431},
      {"GET /" + std::string(9000, 'a'), 431},
  };
  for (const auto& [request, status] : rows) {
    Client client(port_);
    EXPECT_EQ(StatusOf(client.Ask(request)), status) << request.substr(0, 60);
    // A body that was read whole leaves the connection usable.
    if (request != rows[7].first) {
      EXPECT_EQ(client.Receive(), "") << request.substr(0, 60);
    }
  }
  EXPECT_TRUE(edge_.upstream.check_ins().empty());
}

TEST_F(HttpsServerTest, TheTokenIsJudgedBeforeTheBodyComes) {
  Start();
  Client client(port_);
  EXPECT_EQ(StatusOf(client.Ask("POST /v1/heartbeat HTTP/1.1\r\nHost: e\r\nAuthorization: Bearer "
                                "m1.x\r\nContent-Length: 16000\r\n\r\n")),
            401);
}

TEST_F(HttpsServerTest, TakesChunkedBodiesAndExpectations) {
  Start();
  Client chunked(port_);
  EXPECT_EQ(StatusOf(chunked.Ask(absl::StrCat(
                "POST /v1/heartbeat HTTP/1.1\r\nHost: e\r\nAuthorization: Bearer ", edge_.Token(),
                "\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n", kBeat, "\r\n0\r\n\r\n"))),
            200);
  Client asking(port_);
  const std::string whole = Post("/v1/heartbeat", edge_.Token(), kBeat, "Expect: 100-continue\r\n");
  const size_t head = whole.size() - sizeof kBeat + 1;
  EXPECT_EQ(StatusOf(asking.Ask(whole.substr(0, head))), 100);
  EXPECT_EQ(StatusOf(asking.Ask(kBeat)), 200);
}

TEST_F(HttpsServerTest, AReplyMayComeFromAnotherThread) {
  edge_.upstream.AnswerLater();
  Start();
  Client client(port_);
  ASSERT_TRUE(client.Send(Post("/v1/result", edge_.Token(), R"({"p":1,"n":7,"st":"ok"})")));
  std::vector<ResultDone> dones;
  while (dones.empty()) dones = edge_.upstream.TakeDones();
  dones[0](absl::OkStatus());
  EXPECT_TRUE(absl::EndsWith(client.Receive(), "A7"));
}

TEST_F(HttpsServerTest, AnAnswerThatTakesTooLongIs503AndMayStillCome) {
  edge_.upstream.AnswerLater();
  Start();
  {
    Client client(port_);
    const std::string reply =
        client.Ask(Post("/v1/result", edge_.Token(), R"({"p":1,"n":7,"st":"ok"})"));
    EXPECT_EQ(StatusOf(reply), 503);
    EXPECT_TRUE(absl::StrContains(reply, "Retry-After: "));
  }
  for (const ResultDone& done : edge_.upstream.TakeDones()) done(absl::OkStatus());
  Client other(port_);
  EXPECT_EQ(StatusOf(other.Ask(kGet)), 200);
}

std::string Get(absl::string_view path, absl::string_view token) {
  return absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ", token,
                      "\r\n\r\n");
}

TEST_F(HttpsServerTest, AJobInPartsAndAgentTextComeToTheRouterThatHasTheToken) {
  Job job{.device = DeviceId{5},
          .number = 10,
          .script = std::string(1500, 'x'),
          .not_before = absl::InfinitePast(),
          .not_after = absl::InfiniteFuture()};
  edge_.jobs.Put(job);
  auto offer = std::make_shared<AgentOffer>();
  offer->agent_version = "2";
  offer->offered = true;
  edge_.record.offer = offer;
  edge_.devices.Put(edge_.record);
  Start();
  Client router(port_);
  const std::string beat =
      R"({"p":1,"agent":"2","last":0,"boot":"b","fmt":"hex","id":"r","ver":"7.20.8"})";
  EXPECT_TRUE(absl::EndsWith(router.Ask(Post("/v1/heartbeat", edge_.Token(), beat)), "L10 1500"));
  EXPECT_TRUE(absl::EndsWith(router.Ask(Get("/v1/payload/10/2", edge_.Token())),
                             "P10 2 " + std::string(500, 'x')));
  EXPECT_TRUE(absl::EndsWith(router.Ask(Get("/agent/7.20.8", edge_.Token())), "agent 7.20.8 0 "));
  EXPECT_EQ(StatusOf(router.Ask(Get("/v1/payload/10/3", edge_.Token()))), 404);
  Client stranger(port_);
  EXPECT_EQ(StatusOf(stranger.Ask(Get("/v1/payload/10/1", "m1.nonsense"))), 401);
}

TEST_F(HttpsServerTest, RemembersHowARouterCameAndWhyItWasRefused) {
  Start();
  {
    Client router(port_, "ECDHE-ECDSA-AES128-GCM-SHA256");
    EXPECT_EQ(StatusOf(router.Ask(Post("/v1/heartbeat", edge_.Token(), kBeat))), 200);
    edge_.devices.AddRevocation({DeviceId{5}, 2});
    EXPECT_EQ(StatusOf(router.Ask(Post("/v1/heartbeat", edge_.Token(), kBeat))), 401);
  }
  const Contacts contacts = edge_.contacts.Find(DeviceId{5});
  ASSERT_EQ(contacts.contacts.size(), 2u);
  EXPECT_EQ(contacts.contacts[0].reason, "revoked token");
  EXPECT_EQ(contacts.contacts[1].reason, "0");
  EXPECT_EQ(contacts.connection.tls_version, "TLSv1.2");
  EXPECT_EQ(contacts.connection.tls_cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(contacts.connection.tls_group, "x25519");
  EXPECT_FALSE(contacts.connection.tls_resumed);
  EXPECT_EQ(contacts.connection.source_address, std::string("\x7f\x00\x00\x01", 4));
}

TEST_F(HttpsServerTest, ARevokedRouterThatComesAgainAndAgainWritesNothingIntoTheLog) {
  Start();
  edge_.devices.AddRevocation({DeviceId{5}, 2});
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  for (int i = 0; i < 50; ++i) {
    Client router(port_);
    EXPECT_EQ(StatusOf(router.Ask(Post("/v1/heartbeat", edge_.Token(), kBeat))), 401);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// On 2G a handshake takes 20 s: the first is lost, those after it have time.

}  // namespace
}  // namespace muster::edge
