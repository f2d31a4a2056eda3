// Plays many routers against one HTTPS server, as lightly as OpenSSL allows: one thread, one epoll.
//
// Each connection is a full TLS 1.2 handshake (ECDHE-ECDSA-AES128-GCM-SHA256, X25519, no tickets,
// no resumption) from one of 250 loopback addresses in turn. Certificates are not verified against
// a root, to be light; the signature of the key exchange is, by OpenSSL.
//
// Threads:  not safe.
// Owns:     its connections.
// Blocks:   each call, until all is done or 5 s have passed without any event.
// Errors:   DeadlineExceeded where the server stopped answering.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::bench {

class HttpsLoad {
 public:
  // Of request `index`; called once for each whole reply.
  using OnReply = std::function<void(size_t index, int status, absl::string_view body)>;

  explicit HttpsLoad(int port);
  ~HttpsLoad();
  HttpsLoad(const HttpsLoad&) = delete;
  HttpsLoad& operator=(const HttpsLoad&) = delete;

  // Sends request(0) ... request(count - 1), each over a connection of its own that is closed
  // after the reply, `at_once` at the same time. The texts must stay where they are. Answers how
  // many had a reply with status 200.
  absl::StatusOr<size_t> Run(size_t count, size_t at_once,
                             const std::function<absl::string_view(size_t)>& request,
                             const OnReply& on_reply);

  // The same, but keeps the connections open; they are added to those that are held already.
  absl::StatusOr<size_t> Hold(size_t count, size_t at_once,
                              const std::function<absl::string_view(size_t)>& request);
  // How many of the held connections the server has not closed.
  size_t Held() const;
  void Release();

 private:
  struct Connection;
  enum class Step { kWaiting, kReplied, kBroken };

  absl::StatusOr<size_t> Drive(size_t count, size_t at_once, bool keep,
                               const std::function<absl::string_view(size_t)>& request,
                               const OnReply& on_reply);
  absl::Status Open(size_t index, absl::string_view request);
  Step Advance(Connection& connection);
  Step Wait(Connection& connection, int outcome);
  // True for a reply with status 200.
  bool Finish(Connection* connection, Step step, bool keep, const OnReply& on_reply);
  void Close(Connection* connection);

  const int port_;
  const int epoll_;
  SSL_CTX* const context_;
  std::vector<Connection*> held_;
};

}  // namespace muster::bench
