// A whole edge: its rooms, put together.
//
// Threads:  not safe; used by main.
// Blocks:   Open on the control plane where the edge has not joined yet; Stop while it drains.
// Errors:   one clear message for the operator.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster::edge {

struct EdgeOptions {
  std::string data_dir;
  std::vector<std::string> controls;
  std::string join_file;
  std::string listen;
  std::string public_url;
  std::string metrics;
  // PEM files; the same number of each.
  std::vector<std::string> tls_certs;
  std::vector<std::string> tls_keys;
  // Without the control plane for longer, routers get 503.
  int64_t max_stale_hours = 24;
  // Beats a second above which routers are told to come less often; 0: none are.
  int64_t soft_limit = 0;
};

class Edge {
 public:
  // Reads the identity, or joins; binds nothing yet.
  static absl::StatusOr<std::unique_ptr<Edge>> Open(const EdgeOptions& options);
  ~Edge();

  // Binds and serves, connects; returns when the control plane has answered, or at the latest after
  // a few seconds: routers are served without it.
  absl::Status Start();

  // Where routers are served, and where the metrics are.
  const std::string& https_address() const;
  const std::string& metrics_address() const;

  // Reads --tls-cert and --tls-key again.
  absl::Status ReloadCertificates();

  // Answers what has begun, sends what was taken, and ends.
  void Stop();

 private:
  struct Parts;
  explicit Edge(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace muster::edge
