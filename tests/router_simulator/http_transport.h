// What `/tool fetch` sees of the world; tests answer from memory, muster-sim over real HTTPS.
//
// Threads:  Fetch and Resolve may be called from any thread, several at once.
// Blocks:   until the reply is there or `timeout` passed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::simulator {

enum class CertificateCheck { kNo, kYesWithoutCrl, kYes };

struct HttpRequest {
  bool tls = true;
  std::string host;
  int port = 443;
  std::string target = "/";
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // v6 is not known to send the server's name in the handshake.
  bool sends_server_name = true;
  CertificateCheck check = CertificateCheck::kNo;
  // Trusted certificates of the router's own store, PEM.
  std::vector<std::string> trusted;
  // The router's own clock, for the validity of certificates.
  absl::Time clock;
  absl::Duration timeout = absl::Seconds(10);
  // How many redirects RouterOS would follow with this request, its headers included.
  int64_t most_redirects = 0;
};

struct HttpReply {
  enum class Outcome {
    kReply,
    kConnectFailed,
    kTlsFailed,
    kTimeout,
    kCut,  // the connection ended before the whole reply was there
  };
  Outcome outcome = Outcome::kReply;
  int status = 200;
  std::string reason = "OK";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string error;  // what TLS or the socket said
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual HttpReply Fetch(const HttpRequest& request) = 0;
  // An IPv4 address in text; empty where the name is unknown.
  virtual std::string Resolve(absl::string_view name) = 0;
};

}  // namespace muster::simulator
