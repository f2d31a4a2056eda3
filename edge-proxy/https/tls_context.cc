#include "edge-proxy/https/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstring>
#include <utility>

#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "common/x509/x509.h"

namespace muster::edge {
namespace {

constexpr absl::Duration kTicketKeyLife = absl::Hours(1);
constexpr size_t kTicketKeysKept = 2;
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";
constexpr unsigned char kSessionContext[] = "muster-edge";

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;

// OpenSSL keeps the failures of a thread until they are taken.
absl::Status BadCertificate(absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(what);
}

absl::Status UseChain(SSL_CTX* context, absl::string_view chain_pem) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(chain_pem.data(), static_cast<int>(chain_pem.size())));
  bool leaf = true;
  while (true) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    const bool self_signed = X509_self_signed(certificate.get(), 0) == 1;
    if (leaf) {
      if (SSL_CTX_use_certificate(context, certificate.get()) != 1) {
        return BadCertificate("the router-facing certificate can't be used");
      }
    } else if (!self_signed && SSL_CTX_add1_chain_cert(context, certificate.get()) != 1) {
      return BadCertificate("an intermediate certificate can't be used");
    }
    leaf = false;
  }
  ERR_clear_error();
  return leaf ? absl::InvalidArgumentError("the certificate file holds no certificate")
              : absl::OkStatus();
}

absl::Status UsePair(SSL_CTX* context, const TlsPair& pair) {
  RETURN_IF_ERROR(UseChain(context, pair.chain_pem));
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(pair.key_pem));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return BadCertificate("the private key is not the certificate's");
  }
  return absl::OkStatus();
}

int TicketIndex() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

unsigned char* Bytes(const Secret& secret) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(secret.Reveal().data()));
}

bool SetMac(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, Bytes(key.mac_key), key.mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

// OpenSSL's contract: 1 done, 2 done and to be sealed anew, 0 unknown ticket, -1 failed.
int SealOrOpenTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac, int sealing) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), TicketIndex()));
  if (sealing == 1) {
    const TicketKeys::Key key = keys->Current(absl::Now());
    const std::string fresh = RandomBytes(16);
    std::memcpy(name, key.name.data(), key.name.size());
    std::memcpy(iv, fresh.data(), fresh.size());
    const bool ready =
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, Bytes(key.cipher_key), iv) == 1;
    return ready && SetMac(mac, key) ? 1 : -1;
  }
  bool is_current = false;
  const TicketKeys::Key key = keys->Named(name, &is_current);
  if (key.cipher_key.empty()) return 0;
  const bool ready =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, Bytes(key.cipher_key), iv) == 1;
  if (!ready || !SetMac(mac, key)) return -1;
  return is_current ? 1 : 2;
}

void Configure(SSL_CTX* context, TicketKeys& tickets) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_ex_data(context, TicketIndex(), &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, SealOrOpenTicket);
}

}  // namespace

TicketKeys::Key TicketKeys::Generate() {
  Key key;
  const std::string name = RandomBytes(key.name.size());
  std::memcpy(key.name.data(), name.data(), name.size());
  key.cipher_key = RandomSecret(32);
  key.mac_key = RandomSecret(32);
  return key;
}

TicketKeys::Key TicketKeys::Current(absl::Time now) {
  MutexLock lock(mutex_);
  if (now - made_ > kTicketKeyLife || now < made_) {
    keys_.insert(keys_.begin(), Generate());
    if (keys_.size() > kTicketKeysKept) keys_.pop_back();
    made_ = now;
  }
  return keys_.front();
}

TicketKeys::Key TicketKeys::Named(const unsigned char* name, bool* is_current) {
  MutexLock lock(mutex_);
  for (const Key& key : keys_) {
    if (std::memcmp(key.name.data(), name, key.name.size()) != 0) continue;
    *is_current = &key == &keys_.front();
    return key;
  }
  return {};
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::Make(const std::vector<TlsPair>& pairs,
                                                             TicketKeys& tickets) {
  if (pairs.empty()) return absl::InvalidArgumentError("no router-facing certificate");
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return absl::InternalError("OpenSSL has no memory");
  std::shared_ptr<TlsContext> owner(new TlsContext(context));
  Configure(context, tickets);
  if (SSL_CTX_set_cipher_list(context, kCiphers) != 1 ||
      SSL_CTX_set1_groups_list(context, kGroups) != 1) {
    return BadCertificate("this OpenSSL lacks the ciphers or groups that the edge offers");
  }
  for (const TlsPair& pair : pairs) RETURN_IF_ERROR(UsePair(context, pair));
  return owner;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace muster::edge
