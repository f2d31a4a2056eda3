// A TLS server on loopback for tests: its own root, one leaf for "localhost", one answer.
//
// Threads:  serves on one thread of its own; the setters are for before Start.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::simulator {

class TestTlsServer {
 public:
  TestTlsServer();
  ~TestTlsServer();

  void SetReply(std::string bytes) { reply_ = std::move(bytes); }
  void SetValidity(absl::Time from, absl::Time to);
  void SetName(std::string name) { name_ = std::move(name); }
  void Start();

  int port() const { return port_; }
  const std::string& root_pem() const { return root_pem_; }
  // What the last requests were, whole.
  std::vector<std::string> requests;
  // "TLSv1.2" of the last handshake.
  std::string protocol;
  std::atomic<int> handshakes{0};

 private:
  void Serve();

  std::string reply_ = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  std::string name_ = "localhost";
  absl::Time from_, to_;
  std::string root_pem_, leaf_pem_, key_pem_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace muster::simulator
