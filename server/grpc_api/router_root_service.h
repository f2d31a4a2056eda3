// muster.v1.RouterRootService.
#pragma once

#include "muster/v1/router_root_service.grpc.pb.h"
#include "server/administration/router_root_registry.h"
#include "server/grpc_api/gate.h"

namespace muster::server {

class RouterRootGrpcService final : public v1::RouterRootService::Service {
 public:
  RouterRootGrpcService(const Gate& gate, RouterRootRegistry& roots) : gate_(gate), roots_(roots) {}

  grpc::Status ListRouterRoots(grpc::ServerContext* context,
                               const v1::ListRouterRootsRequest* request,
                               v1::ListRouterRootsResponse* response) override;
  grpc::Status CreateRouterRoot(grpc::ServerContext* context,
                                const v1::CreateRouterRootRequest* request,
                                v1::CreateRouterRootResponse* response) override;
  grpc::Status ActivateRouterRoot(grpc::ServerContext* context,
                                  const v1::ActivateRouterRootRequest* request,
                                  v1::ActivateRouterRootResponse* response) override;
  grpc::Status RetireRouterRoot(grpc::ServerContext* context,
                                const v1::RetireRouterRootRequest* request,
                                v1::RetireRouterRootResponse* response) override;

 private:
  const Gate& gate_;
  RouterRootRegistry& roots_;
};

}  // namespace muster::server
