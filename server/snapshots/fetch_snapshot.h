// Gets the state of another node for one that can't go on with its own, or has none.
//
// The snapshot is received into DATA/snapshot-in, proven (seals and MAC of the backup, cluster,
// log, index, schema), unpacked and checked there, and only then put in the place of the state, in
// one rename: whatever happens before, the state that is there stays as it is.
//
// Threads:  one thread; blocks until it is there, on the network and the disk.
// Errors:   Unavailable where `patience` has passed and no node gave one that can be used, with
//           what each said last; ResourceExhausted, with what is needed, where the disk is too
//           full; Cancelled once `wants_end` says so. Nothing is left behind.
// Example:  snapshots_test.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "server/backup/file/backup_file.h"
#include "server/snapshots/snapshot_chunk.h"

namespace muster::server {

struct SnapshotPeer {
  // For people.
  std::string name;
  std::string address;
};

// One call of another node.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // Gives the chunks of the snapshot `id` from `offset` on to `take`, and of the node's newest for
  // an empty id. Ok where all were taken; NotFound where the node has no such snapshot; what `take`
  // said, which ends it; else what cut it. It must not outlast FetchTerms::wants_end by much, also
  // where the node sends nothing.
  virtual absl::Status Fetch(const std::string& address, const std::string& id, uint64_t offset,
                             const std::function<absl::Status(const SnapshotChunk&)>& take) = 0;
};

struct FetchTerms {
  // Held by the caller, and no state in it is open.
  std::string data_dir;
  // The newest: a removed node could have made one under an older.
  Secret master_key;
  // What the snapshot must be of: 16 bytes each.
  std::string cluster_id;
  std::string log_id;
  // It must hold more than that.
  uint64_t have_index = 0;
  // Who may have one, the best first; asked anew for each round.
  std::function<absl::StatusOr<std::vector<SnapshotPeer>>()> peers;
  // All are asked at least once, and a transfer that goes on is not ended by it.
  absl::Duration patience = absl::Minutes(1);
  std::function<bool()> wants_end;
  // Between rounds and attempts.
  std::function<void(absl::Duration)> pause;
};

// After success DATA/state.db is another node's; answers what it was made of.
absl::StatusOr<BackupManifest> FetchSnapshot(const FetchTerms& terms, SnapshotSource& source,
                                             const Clock& clock);

}  // namespace muster::server
