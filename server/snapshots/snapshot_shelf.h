// The snapshot that this node gives to others: a backup of its state (server/backup), made when
// somebody asks and kept for those who go on with it.
//
// Threads:  safe to call from any thread.
// Owns:     the folder DATA/snapshots-out and a thread that clears it up.
// Blocks:   Open, while a snapshot is made: about a second for 50 MB of state, one at a time.
// Errors:   NotFound for a snapshot that is not kept (any more); else as CreateBackup.
// Example:  snapshots_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "server/snapshots/snapshot_chunk.h"

namespace muster::server {

// A snapshot that is open for one reader; stays readable when the shelf has dropped it.
class OpenSnapshot {
 public:
  virtual ~OpenSnapshot() = default;
  virtual uint64_t file_bytes() const = 0;
  // What lies at `offset`, which is within the file; kMostChunkBytes, less at the end.
  virtual absl::StatusOr<SnapshotChunk> Read(uint64_t offset) const = 0;
};

struct SnapshotShelfTerms {
  std::string data_dir;
  std::string master_key_file;
  std::string program_version;
  // Who comes within that time after it was made gets the same one.
  absl::Duration fresh = absl::Seconds(30);
  // Dropped when nobody asked for it for so long.
  absl::Duration kept = absl::Minutes(5);
};

class SnapshotShelf {
 public:
  SnapshotShelf(SnapshotShelfTerms terms, const Clock& clock);
  // Drops what it has made.
  ~SnapshotShelf();

  // The snapshot `id`; for an empty one the newest, which is made where there is none that is
  // fresh. `wants_end` is asked now and then while it is made: true ends it with Cancelled.
  absl::StatusOr<std::shared_ptr<const OpenSnapshot>> Open(absl::string_view id,
                                                           const std::function<bool()>& wants_end);

 private:
  std::string folder() const { return terms_.data_dir + "/snapshots-out"; }
  absl::Status Make(const std::function<bool()>& wants_end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(making_);
  void ClearUp();

  const SnapshotShelfTerms terms_;
  const Clock& clock_;
  // Held while one is made, so that who comes second waits for it.
  Mutex making_;
  std::shared_ptr<const OpenSnapshot> snapshot_ ABSL_GUARDED_BY(making_);
  std::string snapshot_id_ ABSL_GUARDED_BY(making_);
  absl::Duration made_at_ ABSL_GUARDED_BY(making_);
  absl::Duration asked_at_ ABSL_GUARDED_BY(making_);
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
