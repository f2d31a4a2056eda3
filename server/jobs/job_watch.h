// Tells watchers of jobs every target as it is and then each change, until all have ended.
//
// Targets are read in the order of their last changes, from where the watcher was told before: a
// watcher that reads slowly misses steps in between, never the last state, nothing queues up, and a
// watch goes on from its place on any node.
//
// Threads:  safe to call from any thread; one thread of its own calls the sinks.
// Owns:     that thread and the subscription; what it is given must outlive this object.
// Blocks:   Stop waits until every watch has ended.
// Errors:   a watch ends with Ok when its job has ended, Unauthenticated within 5 s of its key's
//           revocation or expiry, Unavailable on Stop.
// Example:  tests/api/job_service_test.cc.
#pragma once

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "server/access/authorizer.h"
#include "server/jobs/job_board.h"
#include "server/state/changes.h"
#include "server/state/state.h"

namespace muster::server {

struct JobWatchMessage {
  // At most 1,000.
  std::vector<JobTargetRow> targets;
  // Without script text.
  Job job;
  // True in the message that ends the first listing.
  bool synced = false;
  // All up to here were told, this message's too.
  ChangePlace place;
};

// Where a watch writes. Called by the watches' thread.
class JobWatchSink {
 public:
  virtual ~JobWatchSink() = default;

  // The first call, inside Start: the name of the watch for Taken and Cancel.
  virtual void Begun(uint64_t watch) = 0;
  // The next call comes after JobWatches::Taken.
  virtual void Send(const OrganizationScope& scope, const JobWatchMessage& message) = 0;
  // Asks to drop the message under way, where the reader does not take it; Taken must follow.
  virtual void Abort() = 0;
  // The last call; the sink may go.
  virtual void End(const absl::Status& status) = 0;
};

class JobWatches {
 public:
  using WatchId = uint64_t;

  JobWatches(State& state, const JobBoard& board, const Authorizer& authorizer);
  ~JobWatches();

  // Watches a job that the scope can see, from behind a place on. After success the sink may end at
  // any moment; after failure it is not used. ResourceExhausted above 1,000 watches. It hears
  // changes from before the first reading on, so that none falls between.
  absl::StatusOr<WatchId> Start(const OrganizationScope& scope, JobId job, const ChangePlace& after,
                                JobWatchSink* sink);
  // Says that the message under way was taken, or (false) can't be any more, which ends the watch.
  void Taken(WatchId watch, bool ok);
  // The reader has gone: End follows.
  void Cancel(WatchId watch);
  // Ends every watch and the thread. Repeating is harmless.
  void Stop();

  size_t size() const;

 private:
  struct Watch;
  // What one step of a watch has to do; decided under the mutex, done without it.
  struct Step;

  // On the log's writer thread: notes which jobs have changed, reads nothing.
  void Hear(const ChangeBatch& batch);
  void Run();
  void CheckKeys();
  // Watches that have ended while their reader takes nothing.
  void FindOverdue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeStep(Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanStep(Watch& watch, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const Step& step);
  void Finish(WatchId id, JobWatchSink* sink, const absl::Status& status);
  absl::StatusOr<JobWatchMessage> Read(const Step& step) const;

  const JobBoard& board_;
  const Authorizer& authorizer_;

  mutable Mutex mutex_;
  ConditionVariable wake_;
  absl::flat_hash_map<WatchId, std::unique_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  std::set<WatchId> ready_ ABSL_GUARDED_BY(mutex_);
  WatchId last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool keys_changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;
};

}  // namespace muster::server
