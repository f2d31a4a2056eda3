// Brings an installation from one node to etcd, and from a cluster to one node, with all it has:
// what was acknowledged before is there afterwards, edges and routers go on with their numbers, and
// nothing is held. The log gets a new id, and its index goes on.
//
// The state says first, in the last entry of its log, where it goes; then etcd is told, then the
// state gets its new log in one transaction. So a migration that died at any moment is finished by
// the same call, and nobody can write to the old log meanwhile: every node stops at that entry.
//
// Threads:  one thread.
// Blocks:   on the disk and on etcd; to one node, until all that etcd has is applied.
// Errors:   FailedPrecondition, with what to do, for a data directory without an installation, in
//           use or of the other kind, for another master key, for an etcd that can't be reached,
//           refuses this client, or holds something of another cluster. Nothing was changed then.
// Example:  migration_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "server/command_log/etcd/grpc_etcd.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

struct MigrateTerms {
  std::string data_dir;
  std::string master_key_file;
  EtcdTerms etcd;
  // Of the members of etcd: how long to one node waits for what this state lacks.
  absl::Duration patience = absl::Seconds(30);
};

struct Migrated {
  // Where the new log begins.
  Position position;
  // Nothing was left to do.
  bool was_done = false;
  // What an earlier, unfinished migration to etcd had begun was given up.
  bool was_given_up = false;
};

// From one node. Etcd must hold nothing of Muster.
absl::StatusOr<Migrated> MigrateToEtcd(const MigrateTerms& terms);

// From a cluster whose other nodes have been stopped. What etcd holds stays there, closed.
absl::StatusOr<Migrated> MigrateToLocal(const MigrateTerms& terms, const Clock& clock);

// The second half of a way into etcd: a state in `data_dir` that was given a log which no etcd has
// yet (Restore) is brought to one. FailedPrecondition as above.
absl::Status ClaimEtcdFor(const MigrateTerms& terms);

}  // namespace muster::server
