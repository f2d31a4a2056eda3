// Files of a history that survive a power cut, and the lock on its folder.
//
// Threads:  pure functions; a FolderLock is a value.
// Owns:     a FolderLock its lock, until it is destroyed or its process ends.
// Blocks:   all write the disk; FolderLock::Take waits for the lock.
// Errors:   Unavailable (ResourceExhausted for a full disk) with path and reason; Aborted for a
//           lock that another one holds.
// Example:  duckdb_history_test.cc, HasOneOpenerAtATime.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::server::duck {

// By a new file that is renamed over the old one; `path`.new is left by a crash.
absl::Status ReplaceFile(const std::string& path, absl::string_view bytes);
// Gives a file that is written its name, for good.
absl::Status PublishFile(const std::string& from, const std::string& to);
// Makes the folder with mode 0700, if it is not there.
absl::Status MakeFolder(const std::string& path);

// DuckDB's own lock is one of the process: it would let the same process in twice.
class FolderLock {
 public:
  // Tries again for `patience`: a process that was just killed still holds its locks for a moment.
  static absl::StatusOr<FolderLock> Take(const std::string& path, absl::Duration patience);
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~FolderLock();

  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace muster::server::duck
