// muster.v1.EdgeAdminService.
//
// Makes, lists and revokes edge proxies: what operators do with them. What edges themselves call is
// edge_service.h, on another listener. Every method needs the role platform, since an edge serves
// all organizations.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied; CreateEdge signs a certificate too.
// Errors:   as EdgeRegistry; what the gate refuses (gate.h).
// Example:  tests/api/administration_service_test.cc.
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

  // Makes an edge and answers its join file, the only time that it can be read; a repetition under
  // the same request id gives the same file. Its token works for an hour, once.
  grpc::Status CreateEdge(grpc::ServerContext* context, const v1::CreateEdgeRequest* request,
                          v1::CreateEdgeResponse* response) override;
  // Lists edges with their state as of the state's time, not of this machine's clock.
  grpc::Status ListEdges(grpc::ServerContext* context, const v1::ListEdgesRequest* request,
                         v1::ListEdgesResponse* response) override;
  // Ends the edge's streams and refuses its certificate from then on. Repeating is harmless.
  grpc::Status RevokeEdge(grpc::ServerContext* context, const v1::RevokeEdgeRequest* request,
                          v1::RevokeEdgeResponse* response) override;

 private:
  // The list in the order that the request asks for (ordered_list.h).
  absl::Status ListOrdered(const Order& order, const Page& page, const PageBinding& binding,
                           v1::ListEdgesResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const State& state_;
  EdgeRegistry& edges_;
};

}  // namespace muster::server
