// muster.v1.ClusterService: how the nodes are doing, and what changes them.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   as ClusterNodes.
// Example:  tests/api/cluster_service_test.cc.
#pragma once

#include "muster/v1/cluster_service.grpc.pb.h"
#include "server/administration/cluster_nodes.h"
#include "server/administration/node_joining.h"
#include "server/grpc_api/gate.h"

namespace muster::server {

class ClusterGrpcService final : public v1::ClusterService::Service {
 public:
  ClusterGrpcService(const Gate& gate, ClusterNodes& nodes, NodeJoining& joining)
      : gate_(gate), nodes_(nodes), joining_(joining) {}

  grpc::Status GetClusterStatus(grpc::ServerContext* context,
                                const v1::GetClusterStatusRequest* request,
                                v1::GetClusterStatusResponse* response) override;
  grpc::Status FinalizeUpgrade(grpc::ServerContext* context,
                               const v1::FinalizeUpgradeRequest* request,
                               v1::FinalizeUpgradeResponse* response) override;
  grpc::Status RemoveNode(grpc::ServerContext* context, const v1::RemoveNodeRequest* request,
                          v1::RemoveNodeResponse* response) override;
  grpc::Status CreateJoinToken(grpc::ServerContext* context,
                               const v1::CreateJoinTokenRequest* request,
                               v1::CreateJoinTokenResponse* response) override;

 private:
  const Gate& gate_;
  ClusterNodes& nodes_;
  NodeJoining& joining_;
};

}  // namespace muster::server
