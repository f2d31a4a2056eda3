// muster.v1.WindowService.
#pragma once

#include "muster/v1/window_service.grpc.pb.h"
#include "server/grpc_api/gate.h"
#include "server/jobs/window_book.h"

namespace muster::server {

class WindowGrpcService final : public v1::WindowService::Service {
 public:
  WindowGrpcService(const Gate& gate, const State& state, WindowBook& book)
      : gate_(gate), state_(state), book_(book) {}

  grpc::Status SetWindow(grpc::ServerContext* context, const v1::SetWindowRequest* request,
                         v1::SetWindowResponse* response) override;
  grpc::Status ListWindows(grpc::ServerContext* context, const v1::ListWindowsRequest* request,
                           v1::ListWindowsResponse* response) override;
  grpc::Status DeleteWindow(grpc::ServerContext* context, const v1::DeleteWindowRequest* request,
                            v1::DeleteWindowResponse* response) override;

 private:
  v1::MaintenanceWindow Show(const MaintenanceWindow& window, absl::string_view slug) const;

  const Gate& gate_;
  const State& state_;
  WindowBook& book_;
};

}  // namespace muster::server
