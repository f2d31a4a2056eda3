// muster.v1.ClusterService: how the nodes are doing.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   as `ask`, which may ask etcd.
// Example:  tests/api/cluster_service_test.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "muster/v1/cluster_service.grpc.pb.h"
#include "server/command_log/log/command_log.h"
#include "server/grpc_api/gate.h"

namespace muster::server {

struct NodeView {
  uint64_t id = 0;
  std::string display_name;
  std::string version;
  std::string api_address;
  std::string edge_address;
  // NameOf(LogState), and why.
  std::string log_state;
  std::string log_reason;
  uint64_t log_index = 0;
  bool ticking = false;
  absl::Time report_time;
};

struct ClusterView {
  // Of the node that answers; it is one of `nodes`.
  uint64_t answering = 0;
  bool clustered = false;
  std::string problem;
  std::vector<NodeView> nodes;
};

using ClusterAsker = std::function<ClusterView()>;

class ClusterGrpcService final : public v1::ClusterService::Service {
 public:
  // `ask` empty: FailedPrecondition for all calls.
  ClusterGrpcService(const Gate& gate, ClusterAsker ask) : gate_(gate), ask_(std::move(ask)) {}

  grpc::Status GetClusterStatus(grpc::ServerContext* context,
                                const v1::GetClusterStatusRequest* request,
                                v1::GetClusterStatusResponse* response) override;

 private:
  const Gate& gate_;
  const ClusterAsker ask_;
};

}  // namespace muster::server
