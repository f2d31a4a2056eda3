// The server over real TLS on loopback.
#include "edge-proxy/https/https_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/x509/x509.h"
#include "edge-proxy/heartbeats/calls_fixture.h"

namespace muster::edge {
namespace {

TlsPair MakePair(const absl::StatusOr<PrivateKey>& key) {
  CertificateTerms terms;
  terms.common_name = "localhost";
  terms.dns_names = {"localhost"};
  terms.not_before = absl::UnixEpoch();
  terms.not_after = absl::Now() + absl::Hours(1);
  terms.for_server = true;
  return {.chain_pem = *SelfSign(*key, terms), .key_pem = *key->ToPem()};
}

const std::vector<TlsPair>& Pairs() {
  static const auto* const kPairs = new std::vector<TlsPair>{
      MakePair(PrivateKey::GenerateEcdsaP256()), MakePair(PrivateKey::GenerateRsa2048())};
  return *kPairs;
}

int ConnectTo(int port, const char* source = "127.0.0.1") {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in from = {};
  from.sin_family = AF_INET;
  inet_pton(AF_INET, source, &from.sin_addr);
  if (bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) return -1;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval timeout = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  return fd;
}

// A blocking TLS client.
class Client {
 public:
  explicit Client(int port, const char* ciphers = nullptr, int version = TLS1_2_VERSION,
                  SSL_SESSION* session = nullptr)
      : fd_(ConnectTo(port)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
    if (ciphers != nullptr) SSL_CTX_set_cipher_list(context_, ciphers);
    ssl_ = SSL_new(context_);
    if (session != nullptr) SSL_set_session(ssl_, session);
    SSL_set_fd(ssl_, fd_);
    connected_ = SSL_connect(ssl_) == 1;
    ERR_clear_error();
  }
  ~Client() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }

  bool connected() const { return connected_; }
  SSL* ssl() const { return ssl_; }
  int fd() const { return fd_; }

  bool Send(absl::string_view bytes) {
    return bytes.empty() || SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) ==
                                static_cast<int>(bytes.size());
  }

  // One reply, head and body; "" when the server closed instead.
  std::string Receive() {
    while (true) {
      const size_t end = received_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const size_t at = received_.find("Content-Length: ");
        size_t length = 0;
        if (at < end) {
          const std::string digits =
              received_.substr(at + 16, received_.find("\r\n", at) - at - 16);
          EXPECT_TRUE(absl::SimpleAtoi(digits, &length));
        }
        if (received_.size() >= end + 4 + length) {
          const std::string reply = received_.substr(0, end + 4 + length);
          received_.erase(0, reply.size());
          return reply;
        }
      }
      char buffer[4096];
      const int size = SSL_read(ssl_, buffer, sizeof buffer);
      if (size <= 0) return "";
      received_.append(buffer, size);
    }
  }

  std::string Ask(absl::string_view request) {
    if (!Send(request)) return "";
    return Receive();
  }

 private:
  const int fd_;
  SSL_CTX* const context_;
  SSL* ssl_;
  bool connected_ = false;
  std::string received_;
};

std::string Post(absl::string_view path, absl::string_view token, absl::string_view body,
                 absl::string_view more = "") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ",
                      token, "\r\n", more, "Content-Length: ", body.size(), "\r\n\r\n", body);
}

int StatusOf(const std::string& reply) {
  int status = 0;
  if (reply.size() > 12 && !absl::SimpleAtoi(reply.substr(9, 3), &status)) return -1;
  return status;
}

constexpr char kGet[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr char kBeat[] = R"({"p":1,"last":0,"id":"r"})";

class HttpsServerTest : public testing::Test {
 protected:
  HttpsServerTest() {
    options_.listen = "127.0.0.1:0";
    options_.threads = 2;
    // Long enough for a busy machine, short enough to wait for.
    options_.deadlines = {.handshake = absl::Seconds(3),
                          .request = absl::Milliseconds(1500),
                          .answer = absl::Milliseconds(1500),
                          .write = absl::Seconds(3),
                          .keep_alive = absl::Seconds(2),
                          .slow_link_factor = 1};
    std::signal(SIGPIPE, SIG_IGN);
  }
  void Start() {
    server_ = std::make_unique<HttpsServer>(options_, edge_.calls, edge_.metrics);
    ASSERT_TRUE(server_->SetCertificates(Pairs()).ok());
    const auto address = server_->Start();
    ASSERT_TRUE(address.ok()) << address.status();
    ASSERT_TRUE(absl::SimpleAtoi(address->substr(address->rfind(':') + 1), &port_));
  }

  CallsFixture edge_;
  HttpsOptions options_;
  std::unique_ptr<HttpsServer> server_;
  int port_ = 0;
};

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
