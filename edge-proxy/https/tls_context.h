// What the edge shows to routers: certificates, protocol versions, ciphers and session tickets.
//
// TLS 1.2 and 1.3, ECDHE with AEAD ciphers, X25519 before P-256. An ECDSA and an RSA certificate
// are loaded together; each client gets the one that it can verify. The self-signed root of a chain
// is not sent: routers hold it.
//
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

struct TlsPair {
  // PEM, leaf first.
  std::string chain_pem;
  Secret key_pem;
};

// Keys of session tickets: a new one each hour, the one before still opens. They outlive contexts,
// so that a change of certificates does not end the sessions.
class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name{};
    Secret cipher_key;
    Secret mac_key;
  };

  // The key to seal with at `now`.
  Key Current(absl::Time now);
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
