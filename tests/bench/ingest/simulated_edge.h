// One edge as the control plane sees it: a real mTLS stream of muster.edge.v1 with check-ins that
// are made up. Keeps the edge's side of the contract: hello first, numbers that rise by one, at
// most 4 batches without an ack, at most 1,000 check-ins a batch, a flush each 50 ms, a watermark
// each second, an answer to each generation of state.
//
// Threads:  Run is called by one thread; a thread of its own reads. The figures may be read after
//           Run and Drain.
// Blocks:   Connect up to 30 s, Run as long as it is told.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "muster/edge/v1/edge_service.grpc.pb.h"
#include "tests/bench/ingest/control_plane.h"
#include "tests/bench/ingest/fleet.h"

namespace muster::bench {

// What happened since the last TakeFigures.
struct EdgeFigures {
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  // Named in an ack as not taken.
  uint64_t refused = 0;
  std::string refusal;
  // From the write of a batch to its ack.
  std::vector<double> ack_ms;
  // From the receipt of the oldest check-in of a batch to its ack.
  std::vector<double> receipt_to_ack_ms;
  // How far the newest check-in lay behind when the run ended.
  double lag_seconds = 0;
};

class SimulatedEdge {
 public:
  SimulatedEdge(const Fleet& fleet, size_t number, EdgeIdentity identity,
                const std::string& address);
  ~SimulatedEdge();

  // From Connect on, on the thread that reads: a job for a device has come to wait here.
  using JobListener = std::function<void(uint64_t device_id, absl::Time now)>;
  void OnJob(JobListener listener) { on_job_ = std::move(listener); }

  absl::Status Connect();

  // Sends check-ins until `end`: `rate` a second, 0 for as many as the window lets through.
  absl::Status Run(double rate, absl::Time end);

  // Waits until all that was sent is acknowledged.
  absl::Status Drain(absl::Duration timeout);

  EdgeFigures TakeFigures();

  // Devices that have sent a check-in since Connect.
  size_t devices_sent() const { return std::min(all_sent_, checks_.size()); }

  // Check-ins that were acknowledged since the last TakeFigures; at any time.
  uint64_t acknowledged();

 private:
  using Stream = grpc::ClientReaderWriter<edge::v1::ConnectRequest, edge::v1::ConnectResponse>;
  struct Sent {
    uint64_t number = 0;
    size_t check_ins = 0;
    absl::Time written;
    absl::Time oldest;
  };

  absl::Status TakeWelcome(const edge::v1::Welcome& welcome);
  absl::Status SendBatch(size_t check_ins, absl::Time oldest, absl::Duration spacing);
  absl::Status SendWatermark(absl::Time time);
  absl::Status SendVerdicts();
  bool WindowIsFull();
  void ReadAll();
  void TakeAck(const edge::v1::Ack& ack);
  absl::Status Ended();

  const Fleet& fleet_;
  const size_t number_;
  const EdgeIdentity identity_;
  JobListener on_job_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<edge::v1::EdgeService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
  std::thread reader_;
  // The secret check of each device of this edge, by its place.
  std::vector<std::string> checks_;
  size_t next_place_ = 0;
  size_t all_sent_ = 0;
  uint64_t last_number_ = 0;
  edge::v1::ConnectRequest message_;

  Mutex mutex_;
  ConditionVariable acked_;
  std::deque<Sent> unacked_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> generations_ ABSL_GUARDED_BY(mutex_);
  EdgeFigures figures_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::string drain_reason_ ABSL_GUARDED_BY(mutex_);
};

using Edges = std::vector<std::unique_ptr<SimulatedEdge>>;

// Calls `work` for all edges at once, each on a thread; the first error of any.
absl::Status OnAll(Edges& edges, const std::function<absl::Status(SimulatedEdge&)>& work);

// By all of them together, since their figures were taken last.
uint64_t AcknowledgedBy(Edges& edges);

}  // namespace muster::bench
