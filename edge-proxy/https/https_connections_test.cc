// Connections over real TLS on loopback: handshakes, deadlines, limits, draining.
#include <sys/resource.h>

#include <thread>
#include <vector>

#include "edge-proxy/https/https_server_fixture.h"

namespace muster::edge {
namespace {

TEST_F(HttpsServerTest, ShowsAnEcdsaOrRsaCertificateAndBothVersions) {
  Start();
  Client ecdsa(port_, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(StatusOf(ecdsa.Ask(kGet)), 200);
  Client rsa(port_, "ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(StatusOf(rsa.Ask(kGet)), 200);
  Client modern(port_, nullptr, TLS1_3_VERSION);
  EXPECT_EQ(StatusOf(modern.Ask(kGet)), 200);
  Client old(port_, "ALL:@SECLEVEL=0", TLS1_1_VERSION);
  EXPECT_FALSE(old.connected());
}

TEST_F(HttpsServerTest, ResumesASessionByTicketAlsoAfterACertificateChange) {
  Start();
  Client first(port_);
  ASSERT_EQ(StatusOf(first.Ask(kGet)), 200);
  SSL_SESSION* session = SSL_get1_session(first.ssl());
  ASSERT_TRUE(server_->SetCertificates(Pairs()).ok());
  Client second(port_, nullptr, TLS1_2_VERSION, session);
  EXPECT_EQ(StatusOf(second.Ask(kGet)), 200);
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
  SSL_SESSION_free(session);
}

TEST_F(HttpsServerTest, RefusesRenegotiation) {
  Start();
  Client client(port_);
  ASSERT_TRUE(client.connected());
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
}

TEST_F(HttpsServerTest, AClientThatDripsIsToldThatItIsLate) {
  // One loop: a client that does not hang up after its reply must not hold back the next one.
  options_.threads = 1;
  Start();
  const absl::Time begin = absl::Now();
  Client head(port_);
  ASSERT_TRUE(head.Send("G"));
  EXPECT_EQ(StatusOf(head.Receive()), 408);
  Client body(port_);
  const std::string whole = Post("/v1/heartbeat", edge_.Token(), kBeat);
  ASSERT_TRUE(body.Send(whole.substr(0, whole.size() - 1)));
  EXPECT_EQ(StatusOf(body.Receive()), 408);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  EXPECT_EQ(edge_.metrics.Value(Metrics::kTimeouts), 2u);
}

TEST_F(HttpsServerTest, AClientThatSaysNothingIsClosed) {
  Start();
  const int silent = ConnectTo(port_);
  char byte = 0;
  EXPECT_LE(recv(silent, &byte, 1, 0), 0);
  close(silent);
  Client after_handshake(port_);
  EXPECT_EQ(after_handshake.Receive(), "");
  Client idle(port_);
  EXPECT_EQ(StatusOf(idle.Ask(kGet)), 200);
  EXPECT_EQ(idle.Receive(), "");
  EXPECT_EQ(edge_.metrics.Value(Metrics::kFailedHandshakes), 1u);
}

TEST_F(HttpsServerTest, AHalfClosedClientStillGetsItsReply) {
  Start();
  Client client(port_);
  ASSERT_TRUE(client.Send(Post("/v1/heartbeat", edge_.Token(), kBeat)));
  shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(StatusOf(client.Receive()), 200);
  EXPECT_EQ(client.Receive(), "");
}

TEST_F(HttpsServerTest, TooManyConnectionsFromAnAddressAreToldSo) {
  options_.limits.connections_per_address = 2;
  options_.limits.polite = 1;
  Start();
  Client first(port_), second(port_);
  EXPECT_EQ(StatusOf(first.Ask(kGet)), 200);
  EXPECT_EQ(StatusOf(second.Ask(kGet)), 200);
  {
    Client third(port_);
    EXPECT_EQ(StatusOf(third.Ask(kGet)), 429);
  }
  // With a valid token an address may have more.
  EXPECT_EQ(StatusOf(first.Ask(Post("/v1/heartbeat", edge_.Token(), kBeat))), 200);
  std::string reply;
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (StatusOf(reply) != 200 && absl::Now() < deadline) {
    Client again(port_);
    reply = again.Ask(kGet);
  }
  EXPECT_EQ(StatusOf(reply), 200);
}

TEST_F(HttpsServerTest, ATokenHoldsOnlyFewConnections) {
  options_.limits.connections_per_device = 2;
  // Those that are held must not end meanwhile.
  options_.deadlines.keep_alive = absl::Seconds(30);
  Start();
  const std::string beat = Post("/v1/heartbeat", edge_.Token(), kBeat);
  auto first = std::make_unique<Client>(port_);
  Client second(port_);
  EXPECT_EQ(StatusOf(first->Ask(beat)), 200);
  EXPECT_EQ(StatusOf(second.Ask(beat)), 200);
  {
    Client third(port_);
    EXPECT_EQ(StatusOf(third.Ask(beat)), 429);
    EXPECT_EQ(third.Receive(), "") << "closed";
  }
  EXPECT_EQ(StatusOf(second.Ask(beat)), 200) << "the ones that it has go on";
  edge_.record.device = DeviceId{6};
  edge_.devices.Put(edge_.record);
  Client other(port_);
  EXPECT_EQ(StatusOf(other.Ask(Post("/v1/heartbeat", edge_.Token(), kBeat))), 200);
  edge_.record.device = DeviceId{5};
  first.reset();
  std::string reply;
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (StatusOf(reply) != 200 && absl::Now() < deadline) {
    Client again(port_);
    reply = again.Ask(beat);
  }
  EXPECT_EQ(StatusOf(reply), 200);
}

TEST_F(HttpsServerTest, EachGuessOfAClaimCostsAHandshake) {
  Start();
  for (const ClaimVerdict verdict : {ClaimVerdict::kUnknown, ClaimVerdict::kOk}) {
    edge_.control_plane.claim_answer = ClaimAnswer{.verdict = verdict};
    Client client(port_);
    EXPECT_EQ(StatusOf(client.Ask("GET /b/7.20.8 HTTP/1.1\r\nHost: e\r\nAuthorization: Claim "
                                  "00112233445566778899aabbccddeeff\r\n\r\n")),
              verdict == ClaimVerdict::kOk ? 200 : 401);
    EXPECT_EQ(client.Receive(), "") << "closed";
  }
}

TEST_F(HttpsServerTest, DrainingClosesIdleConnectionsAndFinishesTheOthers) {
  options_.deadlines.keep_alive = absl::Seconds(60);
  options_.deadlines.answer = absl::Seconds(10);
  edge_.upstream.AnswerLater();
  Start();
  Client idle(port_), waiting(port_);
  EXPECT_EQ(StatusOf(idle.Ask(kGet)), 200);
  ASSERT_TRUE(waiting.Send(Post("/v1/result", edge_.Token(), R"({"p":1,"n":7,"st":"ok"})")));
  std::vector<ResultDone> dones;
  while (dones.empty()) dones = edge_.upstream.TakeDones();
  std::thread drain([this] { server_->Drain(absl::Seconds(10)); });
  EXPECT_EQ(idle.Receive(), "");
  dones[0](absl::OkStatus());
  EXPECT_EQ(StatusOf(waiting.Receive()), 200);
  drain.join();
  EXPECT_EQ(edge_.metrics.connections(), 0);
  EXPECT_EQ(ConnectTo(port_), -1);
}

TEST_F(HttpsServerTest, CanEndWithOpenConnections) {
  Start();
  Client idle(port_);
  EXPECT_EQ(StatusOf(idle.Ask(kGet)), 200);
  server_.reset();
  EXPECT_EQ(idle.Receive(), "");
  EXPECT_EQ(edge_.metrics.connections(), 0);
}

TEST_F(HttpsServerTest, WaitsWhenDescriptorsRunOutAndGoesOn) {
  Start();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // The client's own descriptor is the last one that there is.
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(client) + 1;
  std::vector<int> filling;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int fd = dup(client); fd >= 0; fd = dup(client)) filling.push_back(fd);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (edge_.metrics.Value(Metrics::kAcceptBackOffs) == 0 && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_GT(edge_.metrics.Value(Metrics::kAcceptBackOffs), 0u);
  for (const int fd : filling) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  close(client);
  Client later(port_);
  EXPECT_EQ(StatusOf(later.Ask(kGet)), 200);
}

TEST_F(HttpsServerTest, RefusesAnAddressThatIsNone) {
  for (const char* listen : {"", "nowhere", "127.0.0.1", "127.0.0.1:99999", "example.net:443"}) {
    options_.listen = listen;
    HttpsServer server(options_, edge_.calls, edge_.metrics);
    ASSERT_TRUE(server.SetCertificates(Pairs()).ok());
    EXPECT_EQ(server.Start().status().code(), absl::StatusCode::kInvalidArgument) << listen;
  }
  options_.listen = "192.0.2.1:1";
  HttpsServer server(options_, edge_.calls, edge_.metrics);
  ASSERT_TRUE(server.SetCertificates(Pairs()).ok());
  EXPECT_EQ(server.Start().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(HttpsServerTest, RefusesCertificatesThatDontFitTheirKeys) {
  HttpsServer server(options_, edge_.calls, edge_.metrics);
  EXPECT_FALSE(server.SetCertificates({}).ok());
  EXPECT_FALSE(server.SetCertificates({{Pairs()[0].chain_pem, Pairs()[1].key_pem}}).ok());
  EXPECT_FALSE(server.SetCertificates({{"nonsense", Pairs()[1].key_pem}}).ok());
  EXPECT_EQ(server.Start().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(HttpsServerTest, ASlowLinkHasTimeOnceItIsKnown) {
  options_.threads = 1;
  options_.deadlines.handshake = absl::Milliseconds(100);
  options_.deadlines.slow_link_factor = 300;
  Start();
  const int first = ConnectTo(port_);
  char byte = 0;
  ASSERT_EQ(send(first, "\x16\x03\x01\x02", 4, 0), 4);
  EXPECT_EQ(recv(first, &byte, 1, 0), 0) << "it is closed after its handshake's time";
  close(first);
  const int slow = ConnectTo(port_);
  // One from elsewhere has the short time, and tells here that it is over.
  const int other = ConnectTo(port_, "127.0.0.2");
  EXPECT_EQ(recv(other, &byte, 1, 0), 0);
  close(other);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, slow);
  EXPECT_EQ(SSL_connect(ssl), 1) << "the slow one is still awaited";
  SSL_free(ssl);
  SSL_CTX_free(context);
  close(slow);
}

}  // namespace
}  // namespace muster::edge
