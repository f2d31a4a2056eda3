// What the edge shows to routers: certificates, protocol versions, ciphers and session tickets.
//
// TLS 1.2 and 1.3, ECDHE with AEAD ciphers, X25519 before P-256. An ECDSA and an RSA certificate
// are loaded together; each client gets the one that it can verify. The self-signed root of a chain
// is not sent: routers hold it.
//
// The key exchange is most of the edge's work: a handshake with ECDSA P-256 over X25519 takes 1.61
// million instructions, over the P-256 group 2.13, with RSA-2048 7.75 (measured). RSA is there
// for clients that can't verify ECDSA; whether any RouterOS is one is not known.
// Threads:  safe to call from any thread; a context is read-only once made.
// Errors:   InvalidArgument for a chain or key that can't be read or don't belong together.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"

struct ssl_ctx_st;

namespace muster::edge {

// One certificate with its key, the operator's or the identity's.
struct TlsPair {
  // PEM, leaf first.
  std::string chain_pem;
  Secret key_pem;
};

// A TLS 1.2 ticket saves 3.9 times the handshake's work, and needs no memory here. Keys are this
// process's own and never stored: after a restart every router shakes hands in full once.
// Keys of session tickets: a new one each hour, the one before still opens. They outlive contexts,
// so that a change of certificates does not end the sessions.
// Threads: safe to call from any thread; OpenSSL asks for them inside of handshakes.
class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name{};
    Secret cipher_key;
    Secret mac_key;
  };

  // Makes a new key where the newest is an hour old; a clock that went back makes one, too.
  // The key to seal with at `now`.
  Key Current(absl::Time now);
  // `name` is 16 bytes from a stranger's ticket.
  // The key of that name; nullptr-like empty keys where it is gone.
  Key Named(const unsigned char* name, bool* is_current);

 private:
  static Key Generate();

  Mutex mutex_;
  std::vector<Key> keys_ ABSL_GUARDED_BY(mutex_);
  absl::Time made_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

class TlsContext {
 public:
  // `tickets` must outlive the context and its connections.
  // `pairs` is one ECDSA and one RSA pair, or one of them. Makes nothing in part: on an error what
  // was in use goes on.
  static absl::StatusOr<std::shared_ptr<TlsContext>> Make(const std::vector<TlsPair>& pairs,
                                                          TicketKeys& tickets);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  ssl_ctx_st* context_;
};

}  // namespace muster::edge
