// A control plane with one edge and enrolled devices, all real, for measuring the edge.
//
// Threads:  not safe.
// Owns:     musterd and muster-edge; their files lie in the folder of the run.
// Blocks:   all of it, up to a minute.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/edge/https_load.h"
#include "tests/bench/support/child.h"

namespace muster::bench {

class Installation {
 public:
  // The edge runs on `edge_processor`, the control plane on `control_processor`.
  static absl::StatusOr<std::unique_ptr<Installation>> Start(const std::string& folder,
                                                             int edge_processor,
                                                             int control_processor);

  // Enrols `count` devices over HTTPS and keeps their tokens.
  absl::Status Enroll(size_t count);

  // The heartbeat that device `index` sends: 1.1 kB of JSON, with its token.
  // `keep_alive` says whether the connection is to stay open.
  std::string Heartbeat(size_t index, bool keep_alive) const;

  // How many devices the control plane calls online.
  absl::StatusOr<size_t> OnlineDevices() const;

  int port() const { return port_; }
  pid_t edge_process() const { return edge_->process(); }
  std::string edge_folder() const { return folder_ + "/edge"; }
  size_t devices() const { return tokens_.size(); }

 private:
  explicit Installation(const std::string& folder) : folder_(folder) {}
  absl::Status StartControl(int processor);
  absl::Status StartEdge(int processor);
  absl::StatusOr<std::string> Muster(std::vector<std::string> arguments) const;

  const std::string folder_;
  std::string api_address_, control_address_;
  int port_ = 0;
  std::unique_ptr<Child> control_, edge_;
  std::vector<std::string> tokens_;
};

}  // namespace muster::bench
