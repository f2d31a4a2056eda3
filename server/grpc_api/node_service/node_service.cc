#include "server/grpc_api/node_service/node_service.h"

#include "common/status/status_macros.h"
#include "server/grpc_api/edge_service/edge_status.h"

namespace muster::server {

absl::StatusOr<uint64_t> NodeService::CallingNode(
    const grpc::CallbackServerContext& context) const {
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(context, rules_.cluster_id, PeerRole::kNode));
  return peer.node_id;
}

grpc::ServerUnaryReactor* NodeService::DescribeNode(grpc::CallbackServerContext* context,
                                                    const node::v1::DescribeNodeRequest*,
                                                    node::v1::DescribeNodeResponse* response) {
  const absl::StatusOr<uint64_t> caller = CallingNode(*context);
  if (caller.ok()) *response = rules_.describe();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToEdgeStatus(caller.status()));
  return reactor;
}

}  // namespace muster::server
