// muster.v1.WindowService.
//
// Keeps maintenance windows: when jobs may start on which devices. Who and when is judged by
// WindowBook; apply itself knows no time zones and gets intervals.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied.
// Errors:   as WindowBook; what the gate refuses (gate.h).
// Example:  tests/api/window_service_test.cc.
#pragma once

#include "muster/v1/window_service.grpc.pb.h"
#include "server/grpc_api/gate.h"
#include "server/jobs/window_book.h"

namespace muster::server {

class WindowGrpcService final : public v1::WindowService::Service {
 public:
  WindowGrpcService(const Gate& gate, const State& state, WindowBook& book)
      : gate_(gate), state_(state), book_(book) {}

  // Makes a window or replaces it whole; there is no mask, since half a window means nothing.
  grpc::Status SetWindow(grpc::ServerContext* context, const v1::SetWindowRequest* request,
                         v1::SetWindowResponse* response) override;
  // Lists all windows without pages: an organization has at most 500.
  grpc::Status ListWindows(grpc::ServerContext* context, const v1::ListWindowsRequest* request,
                           v1::ListWindowsResponse* response) override;
  // Takes a window away. Devices that had no other may start jobs at any time from then on.
  grpc::Status DeleteWindow(grpc::ServerContext* context, const v1::DeleteWindowRequest* request,
                            v1::DeleteWindowResponse* response) override;

 private:
  // With whether it is open now, in state time, and when that changes, in the window's own zone.
  v1::MaintenanceWindow Show(const MaintenanceWindow& window, absl::string_view slug) const;

  const Gate& gate_;
  const State& state_;
  WindowBook& book_;
};

}  // namespace muster::server
