// Carries a job watch to a gRPC stream: at most one message under way, errors as every other call.
//
// Threads:  called by gRPC; deletes itself when the stream is done.
#pragma once

#include <grpcpp/grpcpp.h>

#include "muster/v1/job_service.pb.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/watch_tokens.h"
#include "server/jobs/job_watch.h"

namespace muster::server {

// Opens the watch, or ends the stream with why not; the reactor is gRPC's from then on. `request`
// is used only within the call.
grpc::ServerWriteReactor<v1::WatchJobResponse>* StartJobWatch(const Gate& gate,
                                                              const WatchTokens& tokens,
                                                              JobWatches& watches,
                                                              grpc::CallbackServerContext* context,
                                                              const v1::WatchJobRequest& request);

}  // namespace muster::server
