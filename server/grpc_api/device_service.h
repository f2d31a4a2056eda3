// muster.v1.DeviceService.
//
// Finds, shows, changes and watches the routers of an organization. They come in by claims, so
// nothing here creates one. WatchDevices alone is asynchronous: a watch lasts for days, and a
// handler thread each would take all of the server's threads (api_server.cc).
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied; DiagnoseDevice asks an edge, which gets 3 s.
// Errors:   as DeviceDirectory; what the gate refuses (gate.h).
// Example:  tests/api/device_service_test.cc, device_watch_test.cc.
#pragma once

#include "muster/v1/device_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/devices/device_directory.h"
#include "server/devices/device_watch.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/watch_tokens.h"

namespace muster::server {

class DeviceGrpcService final
    : public v1::DeviceService::WithCallbackMethod_WatchDevices<v1::DeviceService::Service> {
 public:
  DeviceGrpcService(const Gate& gate, const PageTokens& tokens, const WatchTokens& watch_tokens,
                    DeviceDirectory& devices, DeviceWatches& watches, ContactAsker ask_contacts)
      : gate_(gate),
        tokens_(tokens),
        watch_tokens_(watch_tokens),
        devices_(devices),
        watches_(watches),
        ask_contacts_(std::move(ask_contacts)) {}

  // Answers a device with its last 20 events; tombstones too.
  grpc::Status GetDevice(grpc::ServerContext* context, const v1::GetDeviceRequest* request,
                         v1::GetDeviceResponse* response) override;
  // Lists what matches the filter, with how many match in all, so that a client can ask before it
  // acts on them.
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response) override;
  // Changes what the update mask names and nothing else; see ReadDeviceEdit.
  grpc::Status UpdateDevice(grpc::ServerContext* context, const v1::UpdateDeviceRequest* request,
                            v1::UpdateDeviceResponse* response) override;
  // Leaves a tombstone: the token is refused from then on, and no job number comes twice.
  grpc::Status DeleteDevice(grpc::ServerContext* context, const v1::DeleteDeviceRequest* request,
                            v1::DeleteDeviceResponse* response) override;
  // Says what is wrong and what to do. An edge that does not answer is a finding, not an error.
  grpc::Status DiagnoseDevice(grpc::ServerContext* context,
                              const v1::DiagnoseDeviceRequest* request,
                              v1::DiagnoseDeviceResponse* response) override;
  grpc::Status ListDeviceEvents(grpc::ServerContext* context,
                                const v1::ListDeviceEventsRequest* request,
                                v1::ListDeviceEventsResponse* response) override;
  grpc::Status RequestFastBeats(grpc::ServerContext* context,
                                const v1::RequestFastBeatsRequest* request,
                                v1::RequestFastBeatsResponse* response) override;
  // Sends what matches, then what changes, until the caller goes (device_watch.h).
  grpc::ServerWriteReactor<v1::WatchDevicesResponse>* WatchDevices(
      grpc::CallbackServerContext* context, const v1::WatchDevicesRequest* request) override;

 private:
  // Adds the targets that have not ended, with what their jobs are for.
  void FillOpenJobs(const OrganizationScope& scope, const DiagnosisFacts& facts,
                    v1::DiagnoseDeviceResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  const WatchTokens& watch_tokens_;
  DeviceDirectory& devices_;
  DeviceWatches& watches_;
  // Empty where this server has no edges to ask.
  const ContactAsker ask_contacts_;
};

}  // namespace muster::server
