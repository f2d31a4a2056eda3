// A whole edge: its rooms, put together; the only place of the edge that names concrete classes.
//
// Threads:  not safe; used by main.
// Blocks:   Open on the control plane where the edge has not joined yet (up to 30 s); Start for up
//           to 5 s; Stop while it drains (up to 8 s), sends (3 s) and ends its calls (4.5 s).
// Errors:   one clear message for the operator, which says what to do next.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster::edge {

// As main's flags; "" and empty lists: not given.
struct EdgeOptions {
  std::string data_dir;
  std::vector<std::string> controls;
  std::string join_file;
  std::string listen;
  std::string public_url;
  std::string metrics;
  // Without them the edge shows what the control plane signed for it at joining.
  // PEM files; the same number of each.
  std::vector<std::string> tls_certs;
  std::vector<std::string> tls_keys;
  // An edge that hears nothing can't know which devices were deleted or which token was stolen
  // since.
  // Without the control plane for longer, routers get 503.
  int64_t max_stale_hours = 24;
  // Beats a second above which routers are told to come less often; 0: none are.
  int64_t soft_limit = 0;
};

class Edge {
 public:
  // Takes the lock of the data folder until the edge goes: a second process with the same identity
  // would fight for its stream.
  // Reads the identity, or joins; binds nothing yet.
  static absl::StatusOr<std::unique_ptr<Edge>> Open(const EdgeOptions& options);
  ~Edge();

  // Binds and serves, connects; returns when the control plane has answered, or at the latest after
  // a few seconds: routers are served without it.
  absl::Status Start();

  // Good after Start.
  // Where routers are served, and where the metrics are.
  const std::string& https_address() const;
  const std::string& metrics_address() const;

  // For SIGHUP. After a failure the old ones stay in use. Does nothing where the certificates are
  // the control plane's, which are renewed by themselves.
  // Reads --tls-cert and --tls-key again.
  absl::Status ReloadCertificates();

  // Repeating does nothing. What isn't acknowledged by then is lost with the process, except
  // results: their routers were not answered and post again.
  // Answers what has begun, sends what was taken, and ends.
  void Stop();

 private:
  struct Parts;
  explicit Edge(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace muster::edge
