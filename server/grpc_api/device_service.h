// muster.v1.DeviceService.
#pragma once

#include "muster/v1/device_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/devices/device_directory.h"
#include "server/devices/device_watch.h"
#include "server/grpc_api/gate.h"

namespace muster::server {

class DeviceGrpcService final
    : public v1::DeviceService::WithCallbackMethod_WatchDevices<v1::DeviceService::Service> {
 public:
  DeviceGrpcService(const Gate& gate, const PageTokens& tokens, DeviceDirectory& devices,
                    DeviceWatches& watches, ContactAsker ask_contacts)
      : gate_(gate),
        tokens_(tokens),
        devices_(devices),
        watches_(watches),
        ask_contacts_(std::move(ask_contacts)) {}

  grpc::Status GetDevice(grpc::ServerContext* context, const v1::GetDeviceRequest* request,
                         v1::GetDeviceResponse* response) override;
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response) override;
  grpc::Status UpdateDevice(grpc::ServerContext* context, const v1::UpdateDeviceRequest* request,
                            v1::UpdateDeviceResponse* response) override;
  grpc::Status DeleteDevice(grpc::ServerContext* context, const v1::DeleteDeviceRequest* request,
                            v1::DeleteDeviceResponse* response) override;
  grpc::Status DiagnoseDevice(grpc::ServerContext* context,
                              const v1::DiagnoseDeviceRequest* request,
                              v1::DiagnoseDeviceResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchDevicesResponse>* WatchDevices(
      grpc::CallbackServerContext* context, const v1::WatchDevicesRequest* request) override;

 private:
  void FillOpenJobs(const OrganizationScope& scope, const DiagnosisFacts& facts,
                    v1::DiagnoseDeviceResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  DeviceDirectory& devices_;
  DeviceWatches& watches_;
  const ContactAsker ask_contacts_;
};

}  // namespace muster::server
