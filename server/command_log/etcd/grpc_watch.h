// A watch over etcd's stream.
//
// Threads:  as EtcdWatch.
// Example:  etcd_process_test.cc.
#pragma once

#include <functional>
#include <memory>

#include "absl/strings/string_view.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_service.grpc.pb.h"

namespace muster::server {

// `ended` hears once why it ended, from Next, unless it was cancelled.
std::unique_ptr<EtcdWatch> OpenGrpcWatch(etcdserverpb::Watch::Stub& stub,
                                         std::unique_ptr<grpc::ClientContext> context,
                                         absl::string_view key, int64_t from_revision,
                                         std::function<void(const absl::Status&)> ended);

}  // namespace muster::server
