// Makes and checks backups of an installation on its own machine.
//
// Threads:  one thread; blocks on the disk, about a second for 50 MB of state.
// Errors:   as backup_file.h, backup_files.h and state_copy.h say; Cancelled once `wants_end` says
//           so. No error leaves anything behind.
// Example:  backup_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "server/backup/file/backup_file.h"

namespace muster::server {

struct CreateBackupTerms {
  std::string data_dir;
  std::string master_key_file;
  // Must not be there.
  std::string file;
  // Where a copy of the state, in clear, lies meanwhile; "": in the data directory.
  std::string copy_dir;
  std::string program_version;
  std::function<bool()> wants_end;
};

struct CheckedBackup {
  BackupManifest manifest;
  uint64_t file_bytes = 0;
  // False: nobody has looked at more than checksums.
  bool is_authentic = false;
};

// The state as it is now, while musterd goes on or stands still. The master key must be that of the
// state: a backup under another one would open nothing.
absl::StatusOr<CheckedBackup> CreateBackup(const CreateBackupTerms& terms, const Clock& clock);

// The keys of the backup in `file`, of several master keys; those of the newest where it is of
// none.
absl::StatusOr<BackupKeys> BackupKeysFor(const std::string& file,
                                         const std::vector<Secret>& master_keys);

// Reads all of it. `keys` null: for damage only.
absl::StatusOr<CheckedBackup> VerifyBackup(const std::string& file, const BackupKeys* keys,
                                           const std::function<bool()>& wants_end);

}  // namespace muster::server
