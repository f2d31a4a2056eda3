// muster.v1.EdgeAdminService.
#pragma once

#include "muster/v1/edge_admin_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/administration/edge_registry.h"
#include "server/filter/order.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/paging.h"
#include "server/state/state.h"

namespace muster::server {

class EdgeAdminGrpcService final : public v1::EdgeAdminService::Service {
 public:
  EdgeAdminGrpcService(const Gate& gate, const PageTokens& tokens, const State& state,
                       EdgeRegistry& edges)
      : gate_(gate), tokens_(tokens), state_(state), edges_(edges) {}

  grpc::Status CreateEdge(grpc::ServerContext* context, const v1::CreateEdgeRequest* request,
                          v1::CreateEdgeResponse* response) override;
  grpc::Status ListEdges(grpc::ServerContext* context, const v1::ListEdgesRequest* request,
                         v1::ListEdgesResponse* response) override;
  grpc::Status RevokeEdge(grpc::ServerContext* context, const v1::RevokeEdgeRequest* request,
                          v1::RevokeEdgeResponse* response) override;

 private:
  absl::Status ListOrdered(const Order& order, const Page& page, const PageBinding& binding,
                           v1::ListEdgesResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const State& state_;
  EdgeRegistry& edges_;
};

}  // namespace muster::server
