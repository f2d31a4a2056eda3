// What musterd tells Prometheus.
//
// Threads:  safe to call from any thread.
// Owns:     the HTTP listener; what the sources read must outlive this object.
// Blocks:   a scrape counts the devices at most every 15 s; about 5 us a device.
// Errors:   FailedPrecondition where the address can't be bound.
#pragma once

#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/command_log/etcd/etcd_node.h"
#include "server/main/measured_log.h"
#include "server/state/state.h"

namespace muster::server {

// What is read at each scrape.
struct MetricSources {
  const State& state;
  const MeasuredLog& log;
  std::function<size_t()> edge_streams;
  // Of one of several nodes; nullptr: it is alone.
  const EtcdNode* member = nullptr;
};

class Metrics {
 public:
  virtual ~Metrics() = default;

  // Counts from now on, whether or not anybody serves them.
  static std::unique_ptr<Metrics> Make();

  // A call of the API ended.
  virtual void CountCall(absl::string_view method, grpc::StatusCode code) = 0;

  // Serves them from now on; answers HOST:PORT.
  virtual absl::StatusOr<std::string> Serve(const std::string& address,
                                            const MetricSources& sources) = 0;
};

}  // namespace muster::server
