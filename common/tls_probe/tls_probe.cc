#include "common/tls_probe/tls_probe.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/tls_probe/probe_socket.h"

namespace muster {
namespace {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using ContextHandle = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, FreeWith<&SSL_free>>;
using BioHandle = std::unique_ptr<BIO, FreeWith<&BIO_free_all>>;
using CertificateHandle = std::unique_ptr<X509, FreeWith<&X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;

BioHandle ReadFrom(absl::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::vector<CertificateHandle> ParseAll(absl::string_view pem) {
  std::vector<CertificateHandle> found;
  const BioHandle bio = ReadFrom(pem);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(one);
  }
  ERR_clear_error();
  return found;
}

void Trust(SSL_CTX* context, absl::string_view pem) {
  if (pem.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  for (const CertificateHandle& root : ParseAll(pem)) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());
  }
}

// False: the key does not fit.
bool Show(SSL_CTX* context, const TlsTarget& target) {
  const std::vector<CertificateHandle> chain = ParseAll(target.chain_pem);
  const BioHandle bio = ReadFrom(target.key_pem.Reveal());
  const KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (chain.empty()) return true;
  if (key == nullptr || X509_check_private_key(chain.front().get(), key.get()) != 1) return false;
  SSL_CTX_use_certificate(context, chain.front().get());
  SSL_CTX_use_PrivateKey(context, key.get());
  for (size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context, chain[i].get());
  return true;
}

// Goes on whatever is wrong: the first fault is remembered, and what comes after it is seen too.
int GoOn(int good, X509_STORE_CTX* store) {
  SSL* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  int* const first = static_cast<int*>(SSL_get_app_data(ssl));
  if (good != 1 && *first == X509_V_OK) *first = X509_STORE_CTX_get_error(store);
  return 1;
}

void Expect(SSL* ssl, const std::string& host) {
  in6_addr ignored{};
  const bool is_address = inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
                          inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    return;
  }
  SSL_set1_host(ssl, host.c_str());
  SSL_set_tlsext_host_name(ssl, host.c_str());
}

// Repeats `step` while it waits for the other side; false: the deadline came.
template <typename Step>
bool Drive(const ProbeSocket& socket, SSL* ssl, const Step& step, int& error) {
  for (;;) {
    const int done = step();
    error = done > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return true;
    if (!socket.Wait(error == SSL_ERROR_WANT_WRITE)) return false;
  }
}

std::string NamesOf(X509* certificate) {
  std::vector<std::string> texts;
  const NamesHandle names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const auto* text = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind));
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
    const size_t size = static_cast<size_t>(ASN1_STRING_length(text));
    char address[INET6_ADDRSTRLEN] = "";
    if (kind == GEN_DNS) texts.emplace_back(bytes, size);
    if (kind == GEN_IPADD && (size == 4 || size == 16) &&
        inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, address, sizeof(address)) != nullptr) {
      texts.emplace_back(address);
    }
  }
  return texts.empty() ? "no name" : absl::StrJoin(texts, ", ");
}

std::string EndOf(X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromTM(parts, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

TlsFinding OfCertificate(SSL* ssl, int fault) {
  const CertificateHandle leaf(SSL_get1_peer_certificate(ssl));
  switch (fault) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {TlsProblem::kDates, absl::StrCat("has ended (its own end: ", EndOf(leaf.get()), ")")};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {TlsProblem::kDates, "is not good yet"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {TlsProblem::kName, NamesOf(leaf.get())};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {TlsProblem::kAuthority, ""};
    default:
      return {TlsProblem::kCertificate, X509_verify_cert_error_string(fault)};
  }
}

// After OpenSSL failed.
TlsFinding OfError(const TlsTarget& target) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const bool shown = !target.chain_pem.empty();
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return {TlsProblem::kNoTls, ""};
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return {TlsProblem::kWantsCertificate, ""};
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return {shown ? TlsProblem::kRefusesCertificate : TlsProblem::kWantsCertificate, ""};
    default: {
      const char* const reason = ERR_reason_error_string(code);
      return {TlsProblem::kOther, reason == nullptr ? "it ends the connection" : reason};
    }
  }
}

}  // namespace

TlsFinding ProbeTls(const TlsTarget& target, absl::Duration timeout) {
  const ProbeSocket socket(target.address, Deadline(timeout));
  if (!socket.problem().empty()) return {TlsProblem::kUnreachable, socket.problem()};
  ERR_clear_error();
  const ContextHandle context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return OfError(target);
  Trust(context.get(), target.roots_pem);
  if (!Show(context.get(), target)) return {TlsProblem::kKey, ""};
  // Of gRPC; a server that knows it says its settings first.
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof(kHttp2));
  const SslHandle ssl(SSL_new(context.get()));
  int fault = X509_V_OK;
  SSL_set_app_data(ssl.get(), &fault);
  SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, GoOn);
  Expect(ssl.get(), socket.host());
  SSL_set_fd(ssl.get(), socket.fd());
  ERR_clear_error();
  int error = SSL_ERROR_NONE;
  if (!Drive(
          socket, ssl.get(), [&] { return SSL_connect(ssl.get()); }, error)) {
    return {TlsProblem::kOther, "it does not answer"};
  }
  if (fault != X509_V_OK) return OfCertificate(ssl.get(), fault);
  if (error != SSL_ERROR_NONE && SSL_get0_peer_certificate(ssl.get()) == nullptr &&
      ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    // What is no TLS server is at a loss with our first words.
    return {TlsProblem::kNoTls, ""};
  }
  if (error != SSL_ERROR_NONE) return OfError(target);
  // What it says of our certificate comes with its first word.
  char byte = 0;
  if (!Drive(
          socket, ssl.get(), [&] { return SSL_read(ssl.get(), &byte, 1); }, error))
    return {};
  return error == SSL_ERROR_NONE ? TlsFinding{} : OfError(target);
}

}  // namespace muster
