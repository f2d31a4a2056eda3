// Sends a snapshot to the node that asked for it, chunk by chunk, from a thread of its own: making
// one blocks for seconds, and handlers may not.
//
// Threads:  one of its own; gRPC's for what it is told.
// Owns:     itself: it is deleted once gRPC is done with the call.
// Blocks:   its thread only.
// Example:  tests/edges/snapshot_service_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "muster/node/v1/node_service.grpc.pb.h"
#include "server/snapshots/snapshot_shelf.h"

namespace muster::server {

// Answers the snapshot of that id; SnapshotShelf::Open.
using SnapshotOpener = std::function<absl::StatusOr<std::shared_ptr<const OpenSnapshot>>(
    absl::string_view id, const std::function<bool()>& wants_end)>;

// Answers an error and nothing else.
class SnapshotRefusal final : public grpc::ServerWriteReactor<node::v1::FetchSnapshotResponse> {
 public:
  explicit SnapshotRefusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class SnapshotSender final : public grpc::ServerWriteReactor<node::v1::FetchSnapshotResponse> {
 public:
  // So many transfers go on at once; more would only make all of them slow.
  static constexpr int kMost = 2;

  // `open` and `running`, which counts those that are, must outlive the call.
  SnapshotSender(const SnapshotOpener& open, std::atomic<int>& running,
                 const node::v1::FetchSnapshotRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  ~SnapshotSender() override = default;

  absl::Status Send();
  absl::Status SendFrom(const OpenSnapshot& snapshot, uint64_t offset);
  // Waits until gRPC has taken it.
  absl::Status WriteOne(const SnapshotChunk& chunk);
  bool IsCancelled();

  const SnapshotOpener& open_;
  std::atomic<int>& running_;
  const std::string id_;
  const uint64_t offset_;
  node::v1::FetchSnapshotResponse message_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
