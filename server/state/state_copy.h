// A copy of a state's file as it is at one moment, while musterd goes on writing it.
//
// One read transaction of SQLite, from another process or none: the writer waits for nothing, only
// its write-ahead log can't be begun anew until the copy is done (about a second for 100 MB).
//
// Threads:  one thread; blocks on the disk.
// Errors:   FailedPrecondition for a file that is no state, not set up, or of a newer musterd;
//           DataLoss for a damaged one; ResourceExhausted where the disk is full. Unlike
//           Database, nothing here stops the process.
// Example:  restored_state_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster::server {

// What a copy holds.
struct StateFacts {
  std::string cluster_id;
  std::string log_id;
  uint64_t log_index = 0;
  int64_t state_time_us = 0;
  int schema_version = 0;
  uint64_t device_count = 0;
  // Of the newest master key.
  uint32_t key_generation = 0;
  // The blob of this name, for proving that a master key is this state's; empty: none.
  std::string proof;
};

// Writes the copy over `to`, which is there and empty; drops the log entries that a start of the
// copy doesn't need. `proof` names a blob. `wants_end` is asked now and then: true ends it with
// Cancelled. After an error `to` is the caller's to remove.
absl::StatusOr<StateFacts> CopyState(const std::string& from, const std::string& to,
                                     const std::string& proof,
                                     const std::function<bool()>& wants_end);

// Bytes that a copy of it needs at most.
uint64_t StateBytes(const std::string& path);

// Ok where every page of the file is sound and in its place.
absl::Status CheckStateFile(const std::string& path);

}  // namespace muster::server
