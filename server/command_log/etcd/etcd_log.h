// The log of a cluster: etcd puts the entries into one order, every node applies them.
//
// All appends put to one key; its version is the index of the entry. Any node appends, each with
// one entry on its way at a time; an entry whose outcome is open is put again under the same name
// before anything else, and a name counts once.
//
// Threads:  safe to call from any thread. A writer, a follower that applies, one for read barriers,
//           one that trims, one for checkpoints.
// Owns:     its threads; `store` and `etcd` must outlive it.
// Errors:   as CommandLog. Unavailable, at once or after EtcdLogOptions::give_up, while etcd
//           can't be reached or has no quorum; ResourceExhausted where etcd is nearly full.
// Example:  etcd_log_test.cc and the contract suite.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/seal_keys.h"
#include "server/command_log/log/command_log.h"
#include "server/command_log/log/store.h"

namespace muster::server {

struct EtcdLogOptions {
  // What it puts into etcd is sealed under. `key_generation` of the state says under which of them.
  std::shared_ptr<SealKeys> keys;
  // Called on the follower's thread once an entry has brought a newer generation than `keys` has:
  // adds it there, or says why it can't, which stops the log. Empty: it can't.
  std::function<absl::Status(uint32_t generation)> take_key;
  // Of this data directory; no two nodes may have the same.
  uint64_t node_id = 0;
  // Of all keys in etcd. One etcd serves one cluster.
  std::string prefix = "muster/";
  // What etcd keeps for nodes that come late: whichever comes first. While one brings itself up to
  // date (TrimPin) all is kept, unless etcd is filling up.
  uint64_t retained_bytes = uint64_t{512} << 20;
  absl::Duration retained_time = absl::Minutes(10);
  // What etcd was started with (--quota-backend-bytes); it doesn't tell.
  uint64_t quota_bytes = uint64_t{2} << 30;
  // A command is answered Unavailable when its outcome is open for so long.
  absl::Duration give_up = absl::Seconds(5);
  absl::Duration call_timeout = absl::Seconds(2);
  // Trouble that is over sooner is not shown.
  absl::Duration grace = absl::Seconds(2);
  absl::Duration trim_interval = absl::Seconds(15);
  // Between attempts: doubled each time, and jittered.
  absl::Duration shortest_pause = absl::Milliseconds(50);
  absl::Duration longest_pause = absl::Seconds(2);
};

// Since the start of this node.
struct EtcdLogCounts {
  // Entries that this node put, and puts that had to be repeated.
  std::atomic<uint64_t> appended = 0;
  std::atomic<uint64_t> repeated_puts = 0;
  // Entries that were skipped, by all nodes alike: repetitions of a put (or a replay) and what
  // removed nodes wrote, and such as did not open.
  std::atomic<uint64_t> passed_over = 0;
  std::atomic<uint64_t> unreadable = 0;
  // Sessions with etcd that were begun.
  std::atomic<uint64_t> sessions = 0;
  // Reads that waited for a barrier, and questions to etcd that answered them.
  std::atomic<uint64_t> barriers = 0;
  std::atomic<uint64_t> barrier_questions = 0;
  // Of the trimmer's last look.
  std::atomic<uint64_t> etcd_bytes = 0;
  std::atomic<uint64_t> etcd_bytes_in_use = 0;
  // Nodes that bring themselves up to date, so that nothing is trimmed.
  std::atomic<uint64_t> pins = 0;
};

class EtcdLog : public CommandLog {
 public:
  // Begins to connect; Health tells how that goes. FailedPrecondition for a state that was written
  // without etcd, DataLoss for a damaged one.
  static absl::StatusOr<std::unique_ptr<EtcdLog>> Open(Store& store, Etcd& etcd,
                                                       const EtcdLogOptions& options);

  // Waits while it is catching up. Ok where it serves and where it is read-only; else why not.
  virtual absl::Status WaitUntilSettled(absl::Duration timeout) = 0;

  // What is to be done where the nodes' states differ: refuse commands until that is taken back,
  // or stop for good.
  virtual void Hold(absl::string_view reason) = 0;
  virtual void Release() = 0;
  virtual bool IsHeld() const = 0;
  virtual void Halt(absl::string_view reason) = 0;

  virtual const EtcdLogCounts& counts() const = 0;
};

}  // namespace muster::server
