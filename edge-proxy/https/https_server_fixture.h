// A server on loopback and a blocking TLS client, for the tests of this room.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/x509/x509.h"
#include "edge-proxy/heartbeats/calls_fixture.h"
#include "edge-proxy/https/https_server.h"

namespace muster::edge {

inline TlsPair MakePair(const absl::StatusOr<PrivateKey>& key) {
  CertificateTerms terms;
  terms.common_name = "localhost";
  terms.dns_names = {"localhost"};
  terms.not_before = absl::UnixEpoch();
  terms.not_after = absl::Now() + absl::Hours(1);
  terms.for_server = true;
  return {.chain_pem = *SelfSign(*key, terms), .key_pem = *key->ToPem()};
}

inline const std::vector<TlsPair>& Pairs() {
  static const auto* const kPairs = new std::vector<TlsPair>{
      MakePair(PrivateKey::GenerateEcdsaP256()), MakePair(PrivateKey::GenerateRsa2048())};
  return *kPairs;
}

inline int ConnectTo(int port, const char* source = "127.0.0.1") {
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

inline std::string Post(absl::string_view path, absl::string_view token, absl::string_view body,
                        absl::string_view more = "") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ",
                      token, "\r\n", more, "Content-Length: ", body.size(), "\r\n\r\n", body);
}

inline int StatusOf(const std::string& reply) {
  int status = 0;
  if (reply.size() > 12 && !absl::SimpleAtoi(reply.substr(9, 3), &status)) return -1;
  return status;
}

inline constexpr char kGet[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
inline constexpr char kBeat[] = R"({"p":1,"last":0,"id":"r"})";

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

}  // namespace muster::edge
