// The muster.v1 services over loopback TLS, with answers that a test sets. Test only.
//
// Threads:  set answers before the call under test; the services run on gRPC's threads.
#pragma once

#include <grpcpp/server.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "google/protobuf/message.h"
#include "muster/v1/agent_service.grpc.pb.h"
#include "muster/v1/api_key_service.grpc.pb.h"
#include "muster/v1/audit_service.grpc.pb.h"
#include "muster/v1/claim_service.grpc.pb.h"
#include "muster/v1/cluster_service.grpc.pb.h"
#include "muster/v1/device_identity_service.grpc.pb.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/edge_admin_service.grpc.pb.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/organization_service.grpc.pb.h"
#include "muster/v1/router_root_service.grpc.pb.h"
#include "muster/v1/script_service.grpc.pb.h"
#include "muster/v1/window_service.grpc.pb.h"

namespace muster::cli {

class FakeMuster {
 public:
  // Listens on a free port with a certificate made now; `folder` gets ca.pem and key (0600).
  explicit FakeMuster(const std::string& folder);
  ~FakeMuster();

  // Goes away, and comes back at the same address.
  void Stop();
  void Start();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string ca_file() const { return folder_ + "/ca.pem"; }
  std::string key_file() const { return folder_ + "/key"; }
  // The only key that is accepted.
  static constexpr const char* kKey = "mk1.canary-secret-of-the-test";

  // Answers the next call of `method` ("ListDevices") with this; several queue up. Without an
  // answer a call gets Unimplemented.
  void Answer(const std::string& method, const google::protobuf::Message& response);
  void Fail(const std::string& method, grpc::Status status);

  template <typename Request>
  Request LastRequest(const std::string& method) {
    Request request;
    const MutexLock lock(mutex_);
    if (!requests_[method].empty()) request.ParseFromString(requests_[method].back());
    return request;
  }
  size_t RequestCount(const std::string& method) {
    const MutexLock lock(mutex_);
    return requests_[method].size();
  }

  // What the services use.
  struct Answered {
    grpc::Status status;
    std::string bytes;
  };
  // The next answer; remembers the request.
  Answered Take(const std::string& method, const grpc::ServerContext& context,
                const std::string& request);

 private:
  struct Services;

  const std::string folder_;
  std::string private_key_;
  std::string certificate_;
  int port_ = 0;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  std::map<std::string, std::deque<Answered>> answers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<std::string>> requests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::cli
