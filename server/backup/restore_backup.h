// Makes an installation out of a backup, in a data directory of its own, before any musterd runs on
// it.
//
// The state is built beside its place and gets its name last, so that a restore that fails or dies
// leaves no state. Nothing of the past starts by itself on routers: jobs that wait are held, agent
// upgrades that had begun are cancelled. The log gets a new id, so that positions of before are
// refused. Into etcd: the state gets its name before etcd is told whose it is; where that fails,
// the state waits for `musterd migrate --to etcd`.
//
// Threads:  one thread; blocks on the disk.
// Errors:   as backup_file.h and backup_files.h say; FailedPrecondition for a folder that is not
//           empty, for an etcd that is not or that refuses this client, and for a state that is
//           newer than this program.
// Example:  backup_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/backup/file/backup_file.h"
#include "server/command_log/etcd/grpc_etcd.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

struct RestoreTerms {
  std::string file;
  // Absent or empty.
  std::string data_dir;
  std::string master_key_file;
  // As a further node of the running cluster that the backup is of: it goes on in the same log.
  bool as_node = false;
  // With URLs: its log goes on in this etcd, which must hold nothing of Muster.
  EtcdTerms etcd;
  // Writes a new root key to the path and answers what the state keeps of it.
  std::function<absl::StatusOr<internal::v1::CreateApiKey>(const std::string& path)> make_root_key;
  std::function<bool()> wants_end;
};

struct Restored {
  BackupManifest manifest;
  Position position;
  size_t held_devices = 0;
  size_t cancelled_upgrades = 0;
  // Empty for a node of a cluster.
  std::string root_key_file;
};

// Writes the state of a backup of another node of the cluster to `folder`/state.db, where nothing
// is, after proving all of it: what `as_node` does, for a folder of the caller's. After an error
// the folder is the caller's to clear.
absl::StatusOr<BackupManifest> UnpackNodeState(const std::string& file, const BackupKeys& keys,
                                               const std::string& folder,
                                               const std::function<bool()>& wants_end);

absl::StatusOr<Restored> RestoreBackup(const RestoreTerms& terms, const Clock& clock);

}  // namespace muster::server
