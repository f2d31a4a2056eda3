// The log of a node that is alone: entries lie in the state's own database, appended, applied and
// made durable in one transaction (group commit).
//
// Threads:  safe to call from any thread. One writer thread, one for checkpoints.
// Owns:     its threads; `store` must outlive it.
// Errors:   as CommandLog; ResourceExhausted where more than kMaxQueuedBytes wait.
// Example:  local_log_test.cc and the contract suite.
#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/store.h"

namespace muster::server {

// How much of the log is kept for starts; whichever limit comes first.
struct LocalLogOptions {
  uint64_t retained_bytes = uint64_t{512} << 20;
  absl::Duration retained_time = absl::Minutes(10);
};

class LocalLog : public CommandLog {
 public:
  // Bounds the memory of a writer that can't keep up; beyond it callers are better told to come
  // back.
  static constexpr size_t kMaxQueuedBytes = size_t{64} << 20;

  LocalLog(Store& store, const LocalLogOptions& options);
  ~LocalLog() override;

  void ProposeAsync(Command command, Done done) override;
  Position AppliedPosition() const override;
  absl::Status WaitUntilApplied(const Position& position, absl::Duration timeout) override;
  void Stop() override;

 private:
  struct Pending {
    CheckedCommand checked;
    Done done;
  };

  // Of the writer thread: entries until the queue is empty and Stop was called.
  void Write();
  // Of the checkpoint thread.
  void CheckpointWhenAsked();
  // The commands of the next entry; empty: stop.
  std::vector<Pending> TakeNext();
  // Applies the commands as one entry, makes it durable, then answers them.
  void Commit(std::vector<Pending>& commands);
  // Drops old entries with a Tick, once a second: state time has moved only there.
  void TrimAfterTick(Transaction& transaction, const std::vector<Pending>& commands);
  // Between two transactions: asks for a checkpoint, or finishes the one under way.
  void CareForCheckpoint();

  Store& store_;
  const LocalLogOptions options_;
  mutable Mutex mutex_;
  ConditionVariable queued_;
  ConditionVariable applied_changed_;
  ConditionVariable checkpoint_asked_;
  std::deque<Pending> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  Position applied_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool writer_done_ ABSL_GUARDED_BY(mutex_) = false;
  bool want_checkpoint_ ABSL_GUARDED_BY(mutex_) = false;
  // The thread moved nearly all pages: the writer moves the rest between two transactions.
  bool finish_checkpoint_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread writer_;
  std::thread checkpointer_;
};

}  // namespace muster::server
