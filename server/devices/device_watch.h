// Tells watchers of devices every device that matches a filter, and then what changes.
//
// What apply changes (online or not, facts, what an operator sets) is read in the order of the last
// changes, from where the watcher was told before: a watcher that reads slowly misses steps in
// between, never the last state, nothing queues up, and a watch goes on from its place on any node.
// What check-ins alone change (figures in the filter, or asked for) stands in no order: it is found
// by a scan over the statuses in memory, once a second for all such watches of an organization
// together, and less often where a scan takes longer than a twentieth of that.
//
// Threads:  safe to call from any thread; one thread of its own reads and calls the sinks.
// Owns:     that thread and the subscription; what it is given must outlive this object. About 40
//           bytes for each device of a watch.
// Blocks:   Stop waits until every watch has ended.
// Errors:   a watch ends with Unauthenticated within 5 s of its key's revocation or expiry,
//           ResourceExhausted where all watches together would remember too much, Unavailable on
//           Stop. Start: ResourceExhausted above 64 watches; FailedPrecondition until the
//           installation uses kPresenceLevel.
// Example:  tests/api/device_watch_test.cc.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "server/access/authorizer.h"
#include "server/access/organization_scope.h"
#include "server/filter/filter.h"
#include "server/state/changes.h"
#include "server/state/state.h"

namespace muster::server {

// Numbers are those of muster.v1.DeviceChangeKind.
enum class DeviceChangeKind { kAdded = 1, kChanged = 2, kRemoved = 3 };

struct DeviceChange {
  DeviceChangeKind kind = DeviceChangeKind::kAdded;
  // Of a device that has left the organization only the id.
  Device device;
};

struct DeviceWatchMessage {
  // At most 500.
  std::vector<DeviceChange> changes;
  // True in the message that ends the first listing, or catches up with what changed behind the
  // place where the watch began.
  bool synced = false;
  // All changes up to here were told, this message's too; nullopt: check-ins change what this watch
  // tells, so it has no place.
  std::optional<ChangePlace> place;
};

// Where a watch writes. Called by the watches' thread.
class DeviceWatchSink {
 public:
  virtual ~DeviceWatchSink() = default;

  // The first call, inside Start: the name of the watch for Taken and Cancel.
  virtual void Begun(uint64_t watch) = 0;
  // The next call comes after DeviceWatches::Taken.
  virtual void Send(const OrganizationScope& scope, const DeviceWatchMessage& message) = 0;
  // Asks to drop the message under way, where the reader does not take it; Taken must follow.
  virtual void Abort() = 0;
  // The last call; the sink may go.
  virtual void End(const absl::Status& status) = 0;
};

struct DeviceWatchTerms {
  Filter filter;
  // Each check-in is a change.
  bool include_status = false;
  // Told before, to here. Which devices matched then is not known: those that changed are kChanged
  // or kRemoved once. Not for a watch without a place, see HasPlace.
  std::optional<ChangePlace> after;

  bool HasPlace() const { return !include_status && !filter.reads_check_ins(); }
};

class DeviceWatches {
 public:
  using WatchId = uint64_t;

  DeviceWatches(State& state, const Authorizer& authorizer);
  ~DeviceWatches();

  // Begins a watch. After success the sink may end at any moment; after failure it is not used.
  absl::StatusOr<WatchId> Start(const OrganizationScope& scope, DeviceWatchTerms terms,
                                DeviceWatchSink* sink);
  // The message under way was taken, or (false) can't be any more.
  void Taken(WatchId watch, bool ok);
  // The reader has gone: End follows.
  void Cancel(WatchId watch);
  // Ends every watch and the thread. Repeating is harmless.
  void Stop();

  size_t size() const;

 private:
  struct Watch;
  struct Seen;

  void Hear(const ChangeBatch& batch);
  void Run();
  // Once a second: keys, who has changed, what the statuses show.
  void Tick();
  void CheckKeys();
  void SpreadHeard();
  void Scan();
  // Does the next step of a watch; true where another can follow at once.
  bool Serve(WatchId id);
  // False where more is to come.
  bool ReadChanged(Watch& watch, DeviceWatchMessage* message);
  void ReadPending(Watch& watch, DeviceWatchMessage* message);
  void Judge(Watch& watch, Device device, DeviceWatchMessage* message);
  bool Remembers(const Watch& watch, const Seen& row, bool is_here) const;
  // True where the watch has ended or waits for its reader.
  bool EndOrWait(WatchId id, Watch& watch);
  void Finish(WatchId id, Watch& watch);
  std::vector<std::pair<WatchId, Watch*>> Begun() const;

  State& state_;
  const Authorizer& authorizer_;

  mutable Mutex mutex_;
  ConditionVariable wake_;
  // Erased only by the thread, so what it holds of them stays.
  std::map<WatchId, std::unique_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  WatchId last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  // Organizations of which a device has changed.
  std::set<OrganizationId> heard_ ABSL_GUARDED_BY(mutex_);
  bool work_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // The thread's own.
  size_t remembered_ = 0;
  std::chrono::steady_clock::time_point next_scan_;

  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;
};

}  // namespace muster::server
