// Reads the log back from etcd, entry by entry, and applies it: the only writer of the state.
//
// Each session starts with a check that etcd has what this node has applied, so that an etcd that
// was restored or replaced is refused; then it watches the key from there.
//
// Threads:  one of its own; Stop and Redial from any.
// Owns:     the thread; all that is passed in must outlive it.
// Errors:   shown by `health`: a refused etcd, a deleted key, an entry out of order or of a newer
//           program stop the log for good; compacted entries ask for a snapshot; all else is tried
//           again.
// Example:  etcd_log_faults_test.cc.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/cursor.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/health_cell.h"
#include "server/command_log/etcd/in_flight.h"
#include "server/command_log/etcd/log_base.h"
#include "server/command_log/etcd/log_marks.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/log/store.h"
#include "server/command_log/node/applied_mark.h"
#include "server/command_log/node/checkpointer.h"

namespace muster::server {

class EtcdFollower {
 public:
  struct Parts {
    Store& store;
    Etcd& etcd;
    const EtcdLogOptions& options;
    AppliedMark& applied;
    HealthCell& health;
    InFlight& in_flight;
    LogMarks& marks;
    LogBase& base;
    EtcdLogCounts& counts;
  };

  EtcdFollower(const Parts& parts, EtcdCursor cursor);
  ~EtcdFollower();

  void Start();
  void Stop();
  // Ends the watch that hangs, so that another member is tried.
  void Redial();

 private:
  // What an entry turned out to be.
  struct Taken {
    std::string digest;
    // Nullopt: it did not open.
    std::optional<EntryId> id;
    // It came with a counter that its proposer had used up (a repetition, or somebody's replay), or
    // its proposer was removed, or it is `stale`.
    bool passed_over = false;
    // It is sealed under a key of before: on its way when a member was removed, or made by whoever
    // has that one's key.
    bool stale = false;
    // What is kept, and its commands.
    std::string bytes;
    internal::v1::Entry entry;
    // Where it ends the log: what to tell.
    std::string end;
  };

  void Run();
  absl::Status RunSession();
  absl::Status CheckOwner();
  absl::Status TakeOwner(absl::string_view record);
  // Where the log stands; the watch begins at `from_revision`.
  struct Place {
    uint64_t index = 0;
    int64_t from_revision = 0;
  };
  absl::StatusOr<Place> FindPlace();
  absl::Status CheckLastEntry(const EtcdValue& newest);
  absl::Status Follow(EtcdWatch& watch, uint64_t target);
  absl::Status ApplyEvent(const EtcdEvent& event);
  absl::StatusOr<Taken> Read(const EtcdValue& value, uint64_t index);
  // Nullopt: it was not written by a node.
  absl::StatusOr<std::optional<OpenedEntry>> OpenSealed(absl::string_view sealed, Taken& taken);
  absl::Status Decode(OpenedEntry opened, uint64_t index, Taken& taken);
  void Replace(uint64_t index, absl::string_view problem, Taken& taken);
  void Apply(const EtcdValue& value, Taken& taken, const Position& position);
  absl::Status TakeKey();
  // Stops the log for good; what it answers ends the session.
  absl::Status Refuse(absl::string_view reason);
  absl::Status AskForSnapshot();
  void ShowTrouble(const absl::Status& status, bool short_yet);
  void Pause(int failures);
  bool IsStopping();
  bool Hold(EtcdWatch* watch);

  Parts parts_;
  EtcdCursor cursor_;
  Checkpointer checkpointer_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  EtcdWatch* watch_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace muster::server
