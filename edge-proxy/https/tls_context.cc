// OpenSSL's server context: what is offered, certificates, and tickets that outlive a change of
// certificates. Figures behind the choices stand in the header.
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

// A ticket is good for one to two hours: long enough for a router that beats every 30 s, short
// enough that a key found in memory opens little.
constexpr absl::Duration kTicketKeyLife = absl::Hours(1);
constexpr size_t kTicketKeysKept = 2;
// TLS 1.2: forward secrecy and AEAD only. AES-128 first: routers without AES instructions pay for
// each round.
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// X25519 before P-256 saves a quarter of the handshake.
constexpr char kGroups[] = "X25519:P-256:P-384";
// OpenSSL wants one where sessions are resumed.
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

// By hand and not by use_certificate_chain_file: chains come as text, and the self-signed root is
// left out, since routers hold it and it would travel in every handshake.
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
  // The loop ends on an error by design: "no start line" behind the last certificate.
  return leaf ? absl::InvalidArgumentError("the certificate file holds no certificate")
              : absl::OkStatus();
}

absl::Status UsePair(SSL_CTX* context, const TlsPair& pair) {
  RETURN_IF_ERROR(UseChain(context, pair.chain_pem));
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(pair.key_pem));
  // Per key type: OpenSSL keeps one certificate with its key for ECDSA and one for RSA.
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return BadCertificate("the private key is not the certificate's");
  }
  return absl::OkStatus();
}

// Where a context keeps its TicketKeys, since the callback gets nothing but the connection.
int TicketIndex() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

unsigned char* Bytes(const Secret& secret) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(secret.Reveal().data()));
}

// OSSL_PARAM takes pointers that aren't const, and doesn't write through these.
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
    // OpenSSL wants the IV of AES-CBC here; the MAC covers it.
    const std::string fresh = RandomBytes(16);
    std::memcpy(name, key.name.data(), key.name.size());
    std::memcpy(iv, fresh.data(), fresh.size());
    const bool ready =
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, Bytes(key.cipher_key), iv) == 1;
    return ready && SetMac(mac, key) ? 1 : -1;
  }
  bool is_current = false;
  const TicketKeys::Key key = keys->Named(name, &is_current);
  // Not known any more: a full handshake, no error.
  if (key.cipher_key.empty()) return 0;
  const bool ready =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, Bytes(key.cipher_key), iv) == 1;
  if (!ready || !SetMac(mac, key)) return -1;
  // 2 gives the client a new ticket under the newest key.
  return is_current ? 1 : 2;
}

// RELEASE_BUFFERS gives 34 kB of an idle connection back; NO_RENEGOTIATION leaves a client no way
// to make the server work again and again; NO_AUTO_CHAIN, because the chain is exactly what was
// loaded; no session cache, since tickets need none. One TLS 1.3 ticket instead of two: a router
// uses one.
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
  // By the wall clock, hence the second half: one that went back must not freeze the key.
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
    // Names aren't secret.
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
  // Owned before anything can fail.
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
