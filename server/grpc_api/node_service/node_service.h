// muster.node.v1.NodeService: what other nodes of the cluster ask this one.
//
// Threads:  gRPC's callback threads; no handler blocks.
// Owns:     nothing; what it is given must outlive the server.
// Errors:   Unauthenticated without a certificate, PermissionDenied for one that is no node's.
// Example:  tests/edges/node_service_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "muster/node/v1/node_service.grpc.pb.h"

namespace muster::server {

struct NodeRules {
  // 16 bytes.
  std::string cluster_id;
  // This node as of now.
  std::function<node::v1::DescribeNodeResponse()> describe;
};

class NodeService final : public node::v1::NodeService::CallbackService {
 public:
  explicit NodeService(NodeRules rules) : rules_(std::move(rules)) {}

  grpc::ServerUnaryReactor* DescribeNode(grpc::CallbackServerContext* context,
                                         const node::v1::DescribeNodeRequest* request,
                                         node::v1::DescribeNodeResponse* response) override;

 private:
  // The node that calls.
  absl::StatusOr<uint64_t> CallingNode(const grpc::CallbackServerContext& context) const;

  const NodeRules rules_;
};

}  // namespace muster::server
