// What one stream still has to tell its edge: acknowledgements, the state as a snapshot and then as
// deltas, a farewell. Everything that waits is kept as "what has changed", one entry a device, and
// becomes messages only when the stream can take one: a slow edge costs a set of ids, not a queue.
//
// Order: welcome, acknowledgements, settings, questions, farewell, snapshot, deltas; nothing
// follows the farewell. Changes that happen while the snapshot goes out wait for its end, since the
// edge replaces all that it held when it ends.
//
// Threads:  safe to call from any thread; Next from one thread at a time.
// Owns:     nothing; `state` and `checks` must outlive this object.
// Blocks:   Next reads the state's database; the others never.
// Units:    a chunk holds at most 256 KiB.
// Example:  edge_outbox_test.cc.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "common/sync/mutex.h"
#include "server/edges/edge_messages.h"
#include "server/edges/secret_checks.h"
#include "server/state/state.h"

namespace muster::server {

class EdgeOutbox {
 public:
  EdgeOutbox(const State& state, std::string edge_id)
      : state_(state), edge_id_(std::move(edge_id)) {}

  // The first message; the snapshot follows. `checks` describes the devices.
  void Begin(DownWelcome welcome, SecretChecks& checks);

  // The newest number of a lane counts; verdicts are collected.
  void AddAck(DownAck ack);

  // What of a device must be told. Repeating costs nothing; what is told is what the state says
  // when the message is made. Before Begin they wait.
  void AddDevice(DeviceId device);
  void AddJob(DeviceId device);
  void AddRemovedJob(DeviceId device, uint64_t number);
  // The router is to be told to stop it, where it runs.
  void AddStoppedJob(DeviceId device, uint64_t number);
  void AddFastBeats(DeviceId device, uint32_t seconds);
  void AddRevocation(DeviceId device);
  void AddDrain(std::string reason);
  // The settings of the welcome have changed.
  void AddSettings();
  // False where too many wait already.
  bool AddContactQuestion(const DownContactQuestion& question);

  // The next message, or nullopt where there is nothing to tell now.
  std::optional<DownMessage> Next();

  // True where Next would give something.
  bool HasWork() const;
  // True once AddDrain's message was handed out.
  bool drained() const;
  // Entries that wait, besides the snapshot.
  size_t waiting() const;

 private:
  // What of a device has to be told.
  struct Pending {
    bool device = false;
    bool job = false;
    bool revocation = false;
    std::vector<uint64_t> removed_jobs;
    // At most one runs; 0: none.
    uint64_t stopped_job = 0;
    uint32_t fast_seconds = 0;
  };
  // How far the snapshot has gone.
  enum class Stage { kNotBegun, kDevices, kJobs, kRemovals, kDone };

  // What goes before state: see the order above.
  std::optional<DownMessage> NextUrgent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  DownState NextOfSnapshot();
  void AddSnapshotDevices(DownState& chunk);
  void AddSnapshotJobs(DownState& chunk);
  void AddSnapshotRemovals(DownState& chunk);
  // Takes at most 1,000 devices out; PutBack joins what did not fit with what has come meanwhile.
  std::vector<std::pair<uint64_t, Pending>> TakePending();
  void PutBack(std::vector<std::pair<uint64_t, Pending>> rest);
  // Adds what is to be told of one device; `bytes` grows by about what it takes on the wire.
  void Tell(DeviceId device, const Pending& pending, DownState& delta, size_t& bytes);
  std::optional<DownMessage> NextDelta();

  const State& state_;
  const std::string edge_id_;
  SecretChecks* checks_ = nullptr;

  mutable Mutex mutex_;
  std::optional<DownWelcome> welcome_ ABSL_GUARDED_BY(mutex_);
  std::array<std::optional<DownAck>, kEdgeLanes> acks_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, Pending> pending_ ABSL_GUARDED_BY(mutex_);
  std::optional<DownDrain> drain_ ABSL_GUARDED_BY(mutex_);
  std::deque<DownContactQuestion> questions_ ABSL_GUARDED_BY(mutex_);
  bool settings_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool drained_ ABSL_GUARDED_BY(mutex_) = false;
  bool snapshot_done_ ABSL_GUARDED_BY(mutex_) = false;

  // Of the thread that calls Next alone.
  Stage stage_ = Stage::kNotBegun;
  uint64_t device_cursor_ = 0;
  DeviceId job_cursor_;
  DeviceId removal_cursor_;
  uint64_t generation_ = 1;
};

}  // namespace muster::server
