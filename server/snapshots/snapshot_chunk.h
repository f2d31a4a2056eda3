// A snapshot on its way from one node to another: the file of a backup in chunks that say where
// they belong, so that a transfer that was cut goes on where it ended.
//
// What is received is checked here for damage and order only; who made the file, and that nobody
// altered it, the seals and the MAC of the backup prove (server/backup/file).
//
// Threads:  one thread.
// Errors:   DataLoss for a chunk that is damaged, out of place or of another file. What the sink
//           says.
// Example:  snapshot_chunk_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/backup/file/byte_stream.h"

namespace muster::server {

inline constexpr size_t kSnapshotIdBytes = 16;
// A node sends as much in one chunk, and takes no more.
inline constexpr size_t kMostChunkBytes = size_t{256} << 10;
// No snapshot is larger; whatever a chunk claims.
inline constexpr uint64_t kMostSnapshotBytes = uint64_t{1} << 40;

struct SnapshotChunk {
  // Of the backup in the file.
  std::string snapshot_id;
  uint64_t file_bytes = 0;
  // Of the state in it, when it is unpacked.
  uint64_t state_bytes = 0;
  // Where in the file the content belongs.
  uint64_t offset = 0;
  std::string content;
  uint32_t checksum = 0;
};

// What `checksum` must be: CRC-32C over all other fields.
uint32_t ChecksumOf(const SnapshotChunk& chunk);

// Takes chunks in their order.
class SnapshotIntake {
 public:
  explicit SnapshotIntake(ByteSink& sink) : sink_(sink) {}

  // Gives the content to the sink. After an error nothing of this chunk was taken, unless the sink
  // said it.
  absl::Status Take(const SnapshotChunk& chunk);

  // Empty before the first chunk.
  const std::string& snapshot_id() const { return snapshot_id_; }
  // So much was taken: where the transfer goes on.
  uint64_t offset() const { return offset_; }
  bool is_whole() const { return file_bytes_ > 0 && offset_ == file_bytes_; }

 private:
  absl::Status Check(const SnapshotChunk& chunk) const;

  ByteSink& sink_;
  std::string snapshot_id_;
  uint64_t file_bytes_ = 0;
  uint64_t state_bytes_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace muster::server
