// A real musterd and the edges that have joined it, for measuring how check-ins are taken.
//
// Threads:  not safe.
// Owns:     musterd.
// Blocks:   all of it, up to a minute.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "tests/bench/support/child.h"

namespace muster::bench {

// What an edge shows to the control plane.
struct EdgeIdentity {
  std::string id;
  std::string cluster_root_pem;
  std::string certificate_pem;
  Secret key_pem;
};

// Which of several nodes, and how it is started.
struct ControlPlaneTerms {
  // Its data directory in the folder of the run. "control" makes the installation, so that one is
  // started first.
  std::string name = "control";
  std::vector<std::string> flags;
};

class ControlPlane {
 public:
  // Starts musterd in `folder`; makes an installation where there is none. `timeout` is how long it
  // may take to be ready.
  static absl::StatusOr<std::unique_ptr<ControlPlane>> Start(const std::string& folder,
                                                             absl::Duration timeout,
                                                             const ControlPlaneTerms& how = {});

  // Creates `edge_id` by the API and joins as it.
  absl::StatusOr<EdgeIdentity> JoinEdge(const std::string& edge_id);

  // How many devices of the organization "default" match a filter, as the API says.
  absl::StatusOr<int> CountDevices(const std::string& filter);

  // A connection to the API of its own, and what a call needs to be let in.
  std::shared_ptr<grpc::Channel> ApiChannel() const;
  void Authorize(grpc::ClientContext& context) const;

  const std::string& edge_address() const { return edge_address_; }
  pid_t process() const { return server_->process(); }
  // From exec to "ready".
  absl::Duration start_time() const { return start_time_; }
  void Stop() { server_->Stop(); }

 private:
  explicit ControlPlane(const std::string& folder) : folder_(folder) {}

  const std::string folder_;
  // Read once: thousands of calls a second need it.
  std::string key_;
  std::string api_address_, edge_address_;
  std::unique_ptr<Child> server_;
  absl::Duration start_time_;
};

// The identities of edges in files of `folder` (mode 0600), for later runs.
absl::Status SaveIdentity(const std::string& folder, const EdgeIdentity& identity);
absl::StatusOr<EdgeIdentity> LoadIdentity(const std::string& folder, const std::string& edge_id);

}  // namespace muster::bench
