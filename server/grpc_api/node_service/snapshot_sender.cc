#include "server/grpc_api/node_service/snapshot_sender.h"

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "server/grpc_api/edge_service/edge_status.h"

namespace muster::server {
namespace {

absl::Status Ended() { return absl::CancelledError("the other node has gone"); }

}  // namespace

SnapshotSender::SnapshotSender(const SnapshotOpener& open, std::atomic<int>& running,
                               const node::v1::FetchSnapshotRequest& request)
    : open_(open), running_(running), id_(request.snapshot_id()), offset_(request.offset()) {
  thread_ = std::thread([this] {
    const absl::Status status = Send();
    if (!status.ok() && !absl::IsCancelled(status)) {
      LogWarning("nodes", "a snapshot was not sent", {{"why", status.ToString()}});
    }
    // After it nothing here may be touched but by OnDone, which waits for this thread.
    Finish(ToEdgeStatus(status));
  });
}

absl::Status SnapshotSender::Send() {
  absl::Status status;
  if (++running_ > kMost) {
    status = absl::UnavailableError("this node gives its state to others already; try another");
  } else {
    const absl::StatusOr<std::shared_ptr<const OpenSnapshot>> snapshot =
        open_(id_, [this] { return IsCancelled(); });
    status = snapshot.ok() ? SendFrom(**snapshot, offset_) : snapshot.status();
  }
  --running_;
  // What this node lacks (space, say) is no statement about the one that asks.
  if (status.ok() || absl::IsNotFound(status) || absl::IsCancelled(status)) return status;
  return absl::UnavailableError(status.message());
}

absl::Status SnapshotSender::SendFrom(const OpenSnapshot& snapshot, uint64_t offset) {
  if (offset > snapshot.file_bytes()) {
    return absl::NotFoundError("the snapshot ends before that offset");
  }
  while (offset < snapshot.file_bytes()) {
    ASSIGN_OR_RETURN(const SnapshotChunk chunk, snapshot.Read(offset));
    RETURN_IF_ERROR(WriteOne(chunk));
    offset += chunk.content.size();
  }
  return absl::OkStatus();
}

absl::Status SnapshotSender::WriteOne(const SnapshotChunk& chunk) {
  message_.set_snapshot_id(chunk.snapshot_id);
  message_.set_file_bytes(chunk.file_bytes);
  message_.set_state_bytes(chunk.state_bytes);
  message_.set_offset(chunk.offset);
  message_.set_content(chunk.content);
  message_.set_checksum(chunk.checksum);
  {
    MutexLock lock(mutex_);
    if (cancelled_) return Ended();
    writing_ = true;
  }
  StartWrite(&message_);
  MutexLock lock(mutex_);
  while (writing_) changed_.Wait(mutex_);
  return cancelled_ ? Ended() : absl::OkStatus();
}

bool SnapshotSender::IsCancelled() {
  MutexLock lock(mutex_);
  return cancelled_;
}

void SnapshotSender::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  cancelled_ = cancelled_ || !ok;
  changed_.NotifyAll();
}

// A write that is under way ends by itself, and is told.
void SnapshotSender::OnCancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
}

void SnapshotSender::OnDone() {
  thread_.join();
  delete this;
}

}  // namespace muster::server
