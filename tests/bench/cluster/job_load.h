// Makes jobs by the public API, one device each, and hears when each has come to wait at its edge.
//
// Threads:  Arrived may be called from any thread at any time; the others from one.
// Owns:     nothing; fleet and nodes must outlive this object.
// Blocks:   Run and WaitForAll, as long as they are told.
// Errors:   the first call that the API refuses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/bench/ingest/control_plane.h"
#include "tests/bench/ingest/fleet.h"

namespace muster::bench {

class JobLoad {
 public:
  using Nodes = std::vector<std::unique_ptr<ControlPlane>>;
  JobLoad(const Fleet& fleet, const Nodes& nodes);

  // A job for this device has come to its edge.
  void Arrived(uint64_t device_id, absl::Time now);

  // Opens what Run calls through: so many connections to each node.
  absl::Status Connect(int connections);
  // Creates jobs until `end` by `callers` threads, spread over the connections: `rate` a second, 0
  // for as many as are answered. No device gets two.
  absl::Status Run(int callers, double rate, absl::Time end);
  // Whether all that were created have arrived in time.
  bool WaitForAll(absl::Duration timeout);

  size_t created() const { return created_; }
  size_t arrived() const { return arrived_; }
  // From the call of the API to the arrival, of each job that has arrived.
  std::vector<double> ArrivalMilliseconds() const;

 private:
  // To the API of one node.
  struct Connection {
    const ControlPlane* node;
    std::shared_ptr<grpc::Channel> channel;
  };

  // By one thread: calls until `end` or its first error.
  absl::Status Call(const Connection& connection, double rate, absl::Time end);

  struct Times {
    std::atomic<int64_t> called_ns = 0;
    std::atomic<int64_t> arrived_ns = 0;
  };

  const Fleet& fleet_;
  const Nodes& nodes_;
  std::vector<Connection> connections_;
  // By place in the fleet.
  std::vector<Times> times_;
  absl::flat_hash_map<uint64_t, size_t> places_;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> created_ = 0;
  std::atomic<size_t> arrived_ = 0;
};

}  // namespace muster::bench
