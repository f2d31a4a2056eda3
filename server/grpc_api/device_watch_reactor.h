// Carries a device watch to a gRPC stream.
//
// Threads:  called by gRPC; deletes itself when the stream is done.
#pragma once

#include <grpcpp/grpcpp.h>

#include "muster/v1/device_service.pb.h"
#include "server/devices/device_watch.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/watch_tokens.h"

namespace muster::server {

// Opens the watch, or ends the stream with why not; the reactor is gRPC's from then on. `request`
// is used only within the call.
grpc::ServerWriteReactor<v1::WatchDevicesResponse>* StartDeviceWatch(
    const Gate& gate, const WatchTokens& tokens, DeviceWatches& watches,
    grpc::CallbackServerContext* context, const v1::WatchDevicesRequest& request);

}  // namespace muster::server
