// Serves the device protocol over TLS: one event loop per thread, each with a listening socket of
// its own (SO_REUSEPORT); a coroutine per connection; OpenSSL reads and writes the descriptor.
//
// Deadlines are absolute per phase, so that a client that sends a byte now and then gains nothing:
// handshake, whole request, waiting for an answer of the control plane, write, waiting for the next
// request.
//
// No lock between the loops: the kernel spreads connections over their sockets, and a connection
// stays with its loop.
//
// Threads:  SetCertificates and Drain may be called from any thread; replies may come from any.
// Owns:     its threads and sockets; `calls` and `metrics` must outlive it, and no call may be
//           unanswered when it goes.
// Blocks:   Start while it binds; Drain until connections have ended or its time is over.
// Errors:   Start: InvalidArgument for an address that is none, Unavailable for one that can't be
//           bound; the message names it.
// Example:  https_server_test.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "edge-proxy/heartbeats/calls.h"
#include "edge-proxy/heartbeats/metrics.h"
#include "edge-proxy/https/address_limits.h"
#include "edge-proxy/https/tls_context.h"

namespace muster::edge {

// `answer` is below the agent's patience: fetch gives up after 10 s without a byte from RouterOS
// 7.15 on (MikroTik's manual, Fetch, idle-timeout).
struct HttpsDeadlines {
  absl::Duration handshake = absl::Seconds(8);
  absl::Duration request = absl::Seconds(10);
  absl::Duration answer = absl::Seconds(5);
  absl::Duration write = absl::Seconds(10);
  // nginx's default, too; fetch is not known to reuse connections, load balancers do.
  absl::Duration keep_alive = absl::Seconds(75);
  // On a link that is known to be slow, handshake, request and write have so many times their
  // time: a router on 2G needs 20 s for a handshake, so its first one is lost.
  int slow_link_factor = 4;
};

struct HttpsOptions {
  // "ADDR:PORT", "[ADDR]:PORT"; port 0 picks a free one.
  std::string listen;
  // More than usable processors would only take turns.
  int threads = 1;
  HttpsDeadlines deadlines;
  ConnectionLimits limits;
};

class HttpsServer {
 public:
  HttpsServer(const HttpsOptions& options, const Calls& calls, Metrics& metrics);
  ~HttpsServer();

  // Connections that have begun keep what they began with, and their sessions can be resumed under
  // the new certificates. After a failure the old ones stay.
  // New connections get these; before the first call none is accepted.
  absl::Status SetCertificates(const std::vector<TlsPair>& pairs);

  // Once. After a failure nothing is bound.
  // Binds and serves; answers the bound "ADDR:PORT".
  absl::StatusOr<std::string> Start();

  // Repeating does no harm. Answers when `at_most` is over, whatever is still open then.
  // Accepts no more, serves what has begun or waits to be accepted, and closes idle connections.
  // Replies that come later still find the loops: they end with this object.
  void Drain(absl::Duration at_most);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace muster::edge
