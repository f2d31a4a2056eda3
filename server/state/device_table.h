// What is kept of every device in memory: the packed status row, the latest readings, and what
// apply and the edge streams need for each check-in. About 400 bytes a device.
//
// Threads:  safe to call from any thread; only the log's writer thread changes it.
// Owns:     the rows; their durable form (slabs, the devices table) is the caller's.
// Example:  sqlite_state_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/sync/mutex.h"
#include "server/state/slab_codec.h"
#include "server/state/status_row.h"

namespace muster::server {

// Place of a device in the table, from 0 without gaps; never used again, not even for a tombstone,
// so that a slab's rows keep their meaning.
using DenseIndex = uint32_t;

// 24 nonce, 16 secret and 16 tag are 56 bytes; a fixed place saves an allocation a device.
inline constexpr size_t kMaxSealedSecretBytes = 64;
// Longer ones are not kept: they are shown, never decided on.
inline constexpr size_t kMaxReadingsBytes = 1024;

// A copy, in memory, of what the devices and targets tables say: what a check-in needs, so that one
// without news touches no table. Whoever changes it writes the tables in the same command.
struct DeviceCore {
  uint64_t id = 0;
  uint64_t organization = 0;
  uint64_t facts_hash = 0;
  // Job numbers: the last that was given, the highest that the router ever reported, and the one
  // that its next report must not be below.
  uint64_t last_given = 0;
  uint64_t highest_reported = 0;
  uint64_t expected_last = 0;
  // The job between AT_EDGE and its end; 0: none.
  uint64_t open_number = 0;
  uint64_t open_job = 0;
  // The agent upgrade that is under way; 0: none.
  uint64_t upgrade_job = 0;
  // Entry that deleted it; 0: live.
  uint64_t delete_index = 0;
  uint32_t least_epoch = 1;
  // Targets that wait for their release.
  uint32_t queued = 0;
  // As it was last decided (apply/presence.h); kOnline also before the first check-in.
  OnlineState online = OnlineState::kOnline;
  bool monitor_only = false;
  // The queue waits for an operator; `hold` says why.
  bool held = false;
  HoldKind hold = HoldKind::kNone;
  // Every token is refused.
  bool revoked = false;
  // Its last job takes the agent off.
  bool releasing = false;
  // A tombstone whose router is answered X.
  bool released = false;
  // Its last check-in proved the token that is on its way.
  bool proving = false;
  // The devices table says which agent text it should have.
  bool has_offer = false;
  Profile profile = Profile::kNormal;
  uint8_t secret_bytes = 0;
  std::array<char, kMaxSealedSecretBytes> secret{};

  absl::string_view SealedSecret() const { return {secret.data(), secret_bytes}; }
  // False where it is too long, and nothing is changed.
  bool SetSealedSecret(absl::string_view sealed);
};

// What only few devices have.
struct DeviceExtra {
  // A token on its way to the router; 0: none. `next_beats` counts check-ins that proved it.
  uint32_t next_epoch = 0;
  uint32_t next_beats = 0;
  std::string next_secret;
  // The organization that stands in its tokens; 0: its own.
  uint64_t token_organization = 0;

  bool empty() const { return next_epoch == 0 && token_organization == 0; }
};

class DeviceTable {
 public:
  // Adds a device without a check-in at the next place, which it answers; its id must be new.
  DenseIndex Add(const DeviceCore& core);
  // The same for a start: makes `count` places at once, to be filled in any order, since the file's
  // order is by id.
  void MakePlaces(size_t count);
  void Place(DenseIndex index, const DeviceCore& core);
  size_t size() const;

  std::optional<DenseIndex> Find(uint64_t id) const;
  // These answer copies: a reference would outlive the lock. `index` must be below size().
  DeviceCore Core(DenseIndex index) const;
  void SetCore(DenseIndex index, const DeviceCore& core);
  // Empty for most. Setting an empty one frees its place.
  DeviceExtra Extra(DenseIndex index) const;
  void SetExtra(DenseIndex index, const DeviceExtra& extra);
  // The zero row (time_us 0) before the first check-in.
  StatusRow Row(DenseIndex index) const;
  // A serialized internal.v1.Readings, or empty.
  std::string Readings(DenseIndex index) const;

  // The core and the row of a device in one step.
  struct Both {
    DenseIndex index = 0;
    DeviceCore core;
    StatusRow row;
  };
  std::optional<Both> FindBoth(uint64_t id) const;

  // What apply does next with a check-in that was taken.
  struct Taken {
    DenseIndex index = 0;
    RowChange change;
    DeviceCore core;
  };
  // Finds the device, takes the check-in and keeps its readings, under one lock. nullopt: unknown,
  // or deleted at or before `entry_index`. Taken is false in `change` for one that is not newer
  // than the last, which then changes nothing.
  std::optional<Taken> TakeCheckIn(const internal::v1::CheckIn& check_in, int64_t time_us,
                                   uint16_t edge, uint64_t entry_index);

  // The same for a start: only rows of slabs that are true up to less than `entry_index`. For the
  // others the row has it, and only the readings, which no slab has, are taken.
  void ReplayCheckIn(const internal::v1::CheckIn& check_in, int64_t time_us, uint16_t edge,
                     uint64_t entry_index, const std::vector<uint64_t>& slab_index);

  size_t slab_count() const;
  // Rows of a slab, where they changed since the last call; else `changed` is false and nothing is
  // answered. The caller writes them in the transaction that is open: they are as of its entry.
  std::vector<StatusRow> SlabRows(size_t slab, bool& changed);
  // Puts the rows of a slab in place; rows beyond the devices of the table are dropped.
  void LoadSlab(size_t slab, const std::vector<StatusRow>& rows);

  // Calls `visit` for each live device whose deadline lies before `now_us` and that is not known to
  // be offline, by place; false from it ends the walk. It must not call the table. For the writer's
  // thread, one slab a lock; 8 bytes a device, a millisecond for a million of which few are
  // overdue.
  void ForOverdue(
      int64_t now_us,
      const std::function<bool(DenseIndex, const StatusRow&, OnlineState)>& visit) const;

  // The rows of live devices of one organization from place `from` on, of one slab a call, so that
  // nobody waits long for the lock; `next` is where to go on, or size().
  struct LiveRow {
    uint64_t id = 0;
    OnlineState online = OnlineState::kOnline;
    StatusRow row;
  };
  std::vector<LiveRow> LiveRows(uint64_t organization, DenseIndex from, DenseIndex& next) const;

  // Devices whose newest edge is `edge`; counted as they come, since a walk over a million rows for
  // a list of edges would hold the writer up.
  int64_t CountAtEdge(uint16_t edge) const;
  // Live devices that checked in through `edge` within 10 minutes before `now_us`, or there last;
  // from place `from` on, at most `limit`; `next` is where to go on, or size().
  std::vector<DenseIndex> AtEdge(uint16_t edge, int64_t now_us, DenseIndex from, size_t limit,
                                 DenseIndex& next) const;

 private:
  struct Readings_ {
    std::unique_ptr<char[]> bytes;
    uint16_t size = 0;
  };

  RowChange TakeLocked(DenseIndex index, const internal::v1::CheckIn& check_in, int64_t time_us,
                       uint16_t edge) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepReadings(DenseIndex index, const std::string& bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After a change of row or core.
  void SetDue(DenseIndex index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountEdge(uint16_t edge, int64_t by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  // Only looked up, never walked: its order differs from run to run.
  absl::flat_hash_map<uint64_t, DenseIndex> index_of_ ABSL_GUARDED_BY(mutex_);
  std::vector<DeviceCore> cores_ ABSL_GUARDED_BY(mutex_);
  std::vector<StatusRow> rows_ ABSL_GUARDED_BY(mutex_);
  // When to ask whether it is still online: made of row and core, side by side for the walk.
  std::vector<int64_t> due_us_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<DenseIndex, DeviceExtra> extras_ ABSL_GUARDED_BY(mutex_);
  std::vector<Readings_> readings_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> slab_changed_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> at_edge_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
