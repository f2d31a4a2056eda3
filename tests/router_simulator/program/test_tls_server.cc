#include "tests/router_simulator/program/test_tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/x509/x509.h"

namespace muster::simulator {
namespace {

template <typename T>
T Read(const std::string& pem, T (*read)(BIO*, T*, pem_password_cb*, void*)) {
  BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  T thing = read(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  return thing;
}

}  // namespace

TestTlsServer::TestTlsServer()
    : from_(absl::Now() - absl::Hours(1)), to_(absl::Now() + absl::Hours(1)) {
  InitializeCryptography().IgnoreError();
}

TestTlsServer::~TestTlsServer() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  if (listener_ >= 0) close(listener_);
}

void TestTlsServer::SetValidity(absl::Time from, absl::Time to) {
  from_ = from;
  to_ = to;
}

void TestTlsServer::Start() {
  const PrivateKey root = *PrivateKey::GenerateEcdsaP256();
  const PrivateKey leaf = *PrivateKey::GenerateEcdsaP256();
  CertificateTerms terms;
  terms.common_name = "test root";
  terms.is_authority = true;
  terms.not_before = from_;
  terms.not_after = to_;
  root_pem_ = *SelfSign(root, terms);
  terms = {};
  terms.common_name = name_;
  terms.dns_names = {name_};
  terms.for_server = true;
  terms.not_before = from_;
  terms.not_after = to_;
  leaf_pem_ = *SignRequest(*MakeCertificateRequest(leaf, name_), root, root_pem_, terms);
  key_pem_ = std::string(leaf.ToPem()->Reveal());
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  listen(listener_, 16);
  socklen_t size = sizeof address;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

void TestTlsServer::Serve() {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  X509* certificate = Read<X509*>(leaf_pem_, PEM_read_bio_X509);
  EVP_PKEY* key = Read<EVP_PKEY*>(key_pem_, PEM_read_bio_PrivateKey);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 50) <= 0) continue;
    const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, peer);
    if (SSL_accept(ssl) == 1) {
      ++handshakes;
      protocol = SSL_get_version(ssl);
      char buffer[16 << 10];
      const int got = SSL_read(ssl, buffer, sizeof buffer);
      if (got > 0) requests.emplace_back(buffer, static_cast<size_t>(got));
      SSL_write(ssl, reply_.data(), static_cast<int>(reply_.size()));
      SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(peer);
  }
  EVP_PKEY_free(key);
  X509_free(certificate);
  SSL_CTX_free(context);
}

}  // namespace muster::simulator
