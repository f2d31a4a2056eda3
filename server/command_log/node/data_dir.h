// The data directory: private to its owner, and held by one musterd at a time.
//
// Threads:  a value that is moved, not shared.
// Owns:     the lock on it, until destroyed.
// Errors:   FailedPrecondition, with what to do, for one that others can read or that is in use.
// Example:  local_node_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace muster::server {

class DataDir {
 public:
  // Takes hold of the directory; makes it (0700) where it is absent. The lock goes with the
  // process, however it ends, so a crash leaves nothing to clean up. The file `lock` stays.
  static absl::StatusOr<DataDir> Hold(const std::string& path);
  ~DataDir();

  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) = delete;

  const std::string& path() const { return path_; }

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
};

}  // namespace muster::server
