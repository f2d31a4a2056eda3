#include "tests/router_simulator/program/https_transport.h"

#include <csignal>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/router_simulator/program/test_tls_server.h"

namespace muster::simulator {
namespace {

class HttpsTransportTest : public testing::Test {
 protected:
  HttpsTransportTest() { std::signal(SIGPIPE, SIG_IGN); }

  HttpRequest RequestTo(const TestTlsServer& to) {
    HttpRequest request;
    request.host = "localhost";
    request.port = to.port();
    request.check = CertificateCheck::kYesWithoutCrl;
    request.clock = absl::Now();
    request.trusted = {to.root_pem()};
    request.timeout = absl::Seconds(5);
    return request;
  }

  HttpsTransport transport;
  TestTlsServer server;
};

TEST_F(HttpsTransportTest, PostsOverTls12) {
  server.Start();
  HttpRequest request = RequestTo(server);
  request.method = "POST";
  request.target = "/v1/heartbeat";
  request.headers = {{"Authorization", "Bearer x"}};
  request.body = "{}";
  const HttpReply reply = transport.Fetch(request);
  EXPECT_EQ(reply.outcome, HttpReply::Outcome::kReply) << reply.error;
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "ok");
  EXPECT_EQ(server.protocol, "TLSv1.2");
  ASSERT_EQ(server.requests.size(), 1u);
  EXPECT_NE(server.requests[0].find("POST /v1/heartbeat HTTP/1.1\r\n"), std::string::npos);
  EXPECT_NE(server.requests[0].find("\r\nContent-Length: 2\r\n"), std::string::npos);
}

TEST_F(HttpsTransportTest, MakesANewConnectionForEachCall) {
  server.Start();
  transport.Fetch(RequestTo(server));
  transport.Fetch(RequestTo(server));
  EXPECT_EQ(server.handshakes, 2);
}

TEST_F(HttpsTransportTest, RefusesAChainThatTheRoutersStoreDoesNotHold) {
  server.Start();
  TestTlsServer stranger;
  stranger.Start();
  HttpRequest request = RequestTo(server);
  request.trusted = {stranger.root_pem()};
  EXPECT_EQ(transport.Fetch(request).outcome, HttpReply::Outcome::kTlsFailed);
  request.trusted.clear();
  EXPECT_EQ(transport.Fetch(request).outcome, HttpReply::Outcome::kTlsFailed);
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(HttpsTransportTest, ChecksNothingWhereItIsNotAskedTo) {
  server.SetName("elsewhere.example");
  server.Start();
  HttpRequest request = RequestTo(server);
  request.trusted.clear();
  request.check = CertificateCheck::kNo;
  EXPECT_EQ(transport.Fetch(request).status, 200);
}

TEST_F(HttpsTransportTest, RefusesAnotherHostsCertificate) {
  server.SetName("elsewhere.example");
  server.Start();
  EXPECT_EQ(transport.Fetch(RequestTo(server)).outcome, HttpReply::Outcome::kTlsFailed);
}

TEST_F(HttpsTransportTest, JudgesValidityByTheRoutersClock) {
  server.SetValidity(absl::FromUnixSeconds(0), absl::FromUnixSeconds(200'000));
  server.Start();
  HttpRequest request = RequestTo(server);
  EXPECT_EQ(transport.Fetch(request).outcome, HttpReply::Outcome::kTlsFailed);
  request.clock = absl::FromUnixSeconds(86'400);
  EXPECT_EQ(transport.Fetch(request).status, 200);
}

TEST_F(HttpsTransportTest, NoticesAReplyThatWasCut) {
  server.SetReply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  server.Start();
  EXPECT_EQ(transport.Fetch(RequestTo(server)).outcome, HttpReply::Outcome::kCut);
}

TEST_F(HttpsTransportTest, GivesTheStatusAndReasonOfAFailure) {
  server.SetReply(
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n");
  server.Start();
  const HttpReply reply = transport.Fetch(RequestTo(server));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.reason, "Service Unavailable");
}

TEST_F(HttpsTransportTest, SaysWhenNobodyListens) {
  server.Start();
  HttpRequest request = RequestTo(server);
  request.port = 1;
  EXPECT_EQ(transport.Fetch(request).outcome, HttpReply::Outcome::kConnectFailed);
}

TEST_F(HttpsTransportTest, ResolvesNames) {
  EXPECT_EQ(transport.Resolve("localhost"), "127.0.0.1");
  EXPECT_EQ(transport.Resolve("no-such-name.invalid"), "");
}

}  // namespace
}  // namespace muster::simulator
