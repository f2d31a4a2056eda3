// A server of OpenSSL on loopback, and what a probe says of it.
#include "common/tls_probe/tls_probe.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/x509/x509.h"

namespace muster {
namespace {

struct Made {
  std::string pem;
  Secret key;
};

class Authority {
 public:
  explicit Authority(const std::string& name) : key_(*PrivateKey::GenerateEcdsaP256()) {
    CertificateTerms terms;
    terms.common_name = name;
    terms.is_authority = true;
    terms.not_before = absl::Now() - absl::Hours(48);
    terms.not_after = absl::Now() + absl::Hours(48);
    pem_ = *SelfSign(key_, terms);
  }

  Made Issue(const std::string& address, absl::Duration ends_in) const {
    const PrivateKey key = *PrivateKey::GenerateEcdsaP256();
    CertificateTerms terms;
    terms.common_name = "leaf";
    terms.ip_addresses = {address};
    terms.not_before = absl::Now() - absl::Hours(24);
    terms.not_after = absl::Now() + ends_in;
    terms.for_server = true;
    terms.for_client = true;
    return {*SignRequest(*MakeCertificateRequest(key, "leaf"), key_, pem_, terms), *key.ToPem()};
  }

  const std::string& pem() const { return pem_; }

 private:
  PrivateKey key_;
  std::string pem_;
};

// Answers one connection: TLS with `made`, or a line of text where that is nullptr; says one byte.
class Server {
 public:
  Server(const Made* made, const std::string& client_roots) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, made, client_roots] { Serve(made, client_roots); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  static X509* Parse(const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* one = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    return one;
  }

  static SSL_CTX* Context(const Made& made, const std::string& client_roots) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    X509* leaf = Parse(made.pem);
    SSL_CTX_use_certificate(context, leaf);
    X509_free(leaf);
    const std::string key(made.key.Reveal());
    BIO* bio = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
    EVP_PKEY* parsed = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, parsed);
    EVP_PKEY_free(parsed);
    BIO_free(bio);
    if (client_roots.empty()) return context;
    X509* root = Parse(client_roots);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root);
    X509_free(root);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return context;
  }

  void Serve(const Made* made, const std::string& client_roots) {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    if (made == nullptr) {
      EXPECT_GT(write(connection, "HTTP/1.0 400 no\r\n\r\n", 19), 0);
      // Until the other side has read it.
      pollfd wanted{connection, POLLIN, 0};
      poll(&wanted, 1, 2000);
    } else {
      SSL_CTX* context = Context(*made, client_roots);
      SSL* ssl = SSL_new(context);
      SSL_set_fd(ssl, connection);
      if (SSL_accept(ssl) == 1) SSL_write(ssl, "x", 1);
      SSL_shutdown(ssl);
      SSL_free(ssl);
      SSL_CTX_free(context);
    }
    shutdown(connection, SHUT_WR);
    char rest[256];
    while (read(connection, rest, sizeof(rest)) > 0) {
    }
    close(connection);
  }

  int listener_;
  int port_ = 0;
  std::thread thread_;
};

class TlsProbeTest : public testing::Test {
 protected:
  // As programs have it: the other side may be gone.
  TlsProbeTest() { signal(SIGPIPE, SIG_IGN); }

  TlsProblem Ask(const Made* made, const std::string& client_roots = "",
                 const Made* shown = nullptr) {
    const Server server(made, client_roots);
    TlsTarget target{server.address(), ours_.pem(), "", Secret()};
    if (shown != nullptr) {
      target.chain_pem = shown->pem;
      target.key_pem = shown->key;
    }
    const TlsFinding found = ProbeTls(target, absl::Seconds(5));
    detail_ = found.detail;
    return found.problem;
  }

  Authority ours_{"ours"};
  Authority other_{"other"};
  std::string detail_;
};

TEST_F(TlsProbeTest, AGoodServerHasNoProblem) {
  const Made good = ours_.Issue("127.0.0.1", absl::Hours(1));
  EXPECT_EQ(Ask(&good), TlsProblem::kNone) << detail_;
  EXPECT_EQ(Ask(&good, ours_.pem(), &good), TlsProblem::kNone) << detail_;
}

TEST_F(TlsProbeTest, WhatIsWrongWithAServersCertificateIsNamed) {
  const Made ended = ours_.Issue("127.0.0.1", -absl::Hours(1));
  EXPECT_EQ(Ask(&ended), TlsProblem::kDates);
  const Made elsewhere = ours_.Issue("192.0.2.7", absl::Hours(1));
  EXPECT_EQ(Ask(&elsewhere), TlsProblem::kName);
  EXPECT_EQ(detail_, "192.0.2.7");
  const Made foreign = other_.Issue("127.0.0.1", absl::Hours(1));
  EXPECT_EQ(Ask(&foreign), TlsProblem::kAuthority);
}

TEST_F(TlsProbeTest, AServerThatWantsAnotherCertificateOfUsIsToldFromOneThatWantsAny) {
  const Made good = ours_.Issue("127.0.0.1", absl::Hours(1));
  const Made foreign = other_.Issue("127.0.0.1", absl::Hours(1));
  EXPECT_EQ(Ask(&good, ours_.pem()), TlsProblem::kWantsCertificate);
  EXPECT_EQ(Ask(&good, ours_.pem(), &foreign), TlsProblem::kRefusesCertificate);
  const Made mixed{good.pem, foreign.key};
  EXPECT_EQ(Ask(&good, ours_.pem(), &mixed), TlsProblem::kKey);
}

TEST_F(TlsProbeTest, AServerWithoutTlsAndNoneAtAllAreToldApart) {
  EXPECT_EQ(Ask(nullptr), TlsProblem::kNoTls) << detail_;
  TlsTarget target{"127.0.0.1:1", "", "", Secret()};
  EXPECT_EQ(ProbeTls(target, absl::Seconds(5)).problem, TlsProblem::kUnreachable);
  target.address = "no-such-host.invalid:1";
  EXPECT_EQ(ProbeTls(target, absl::Seconds(5)).problem, TlsProblem::kUnreachable);
}

}  // namespace
}  // namespace muster
