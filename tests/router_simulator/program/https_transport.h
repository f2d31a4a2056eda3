// HTTP/1.1 over real TLS as `/tool fetch` does it: at most TLS 1.2, a new connection for each
// call, the chain checked against the router's own store and clock, the host name checked.
//
// Threads:  safe to call from any thread.
// Blocks:   Fetch for at most the request's timeout without progress.
// Errors:   in the reply's outcome and error text.
// Example:  https_transport_test.cc.
#pragma once

#include <atomic>
#include <string>

#include "tests/router_simulator/http_transport.h"

namespace muster::simulator {

class HttpsTransport : public HttpTransport {
 public:
  HttpReply Fetch(const HttpRequest& request) override;
  std::string Resolve(absl::string_view name) override;

  // From here on every call fails at once, and those under way within a second.
  void Stop() { stopping_ = true; }

 private:
  std::atomic<bool> stopping_{false};
};

}  // namespace muster::simulator
