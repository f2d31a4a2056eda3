#include "server/snapshots/snapshot_chunk.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/backup/file/piece_stream.h"
#include "server/command_log/log/entry_codec.h"

namespace muster::server {

uint32_t ChecksumOf(const SnapshotChunk& chunk) {
  std::string bytes;
  bytes.reserve(chunk.snapshot_id.size() + chunk.content.size() + 24);
  PutNumber(chunk.file_bytes, 8, bytes);
  PutNumber(chunk.state_bytes, 8, bytes);
  PutNumber(chunk.offset, 8, bytes);
  bytes.append(chunk.snapshot_id);
  bytes.append(chunk.content);
  return Crc32c(bytes);
}

absl::Status SnapshotIntake::Check(const SnapshotChunk& chunk) const {
  if (chunk.checksum != ChecksumOf(chunk)) {
    return absl::DataLossError("a chunk of the snapshot is damaged");
  }
  if (chunk.snapshot_id.size() != kSnapshotIdBytes || chunk.content.empty() ||
      chunk.content.size() > kMostChunkBytes || chunk.file_bytes > kMostSnapshotBytes ||
      chunk.state_bytes > kMostSnapshotBytes) {
    return absl::DataLossError("a chunk of the snapshot is none that a node sends");
  }
  const bool is_first = snapshot_id_.empty();
  if (!is_first && (chunk.snapshot_id != snapshot_id_ || chunk.file_bytes != file_bytes_ ||
                    chunk.state_bytes != state_bytes_)) {
    return absl::DataLossError("a chunk is of another snapshot than the ones before it");
  }
  // No overflow: offset_ is within the file.
  if (chunk.offset != offset_ || chunk.content.size() > chunk.file_bytes - offset_) {
    return absl::DataLossError(absl::StrCat("a chunk of the snapshot begins at ", chunk.offset,
                                            " where ", offset_, " was expected, or is too long"));
  }
  return absl::OkStatus();
}

absl::Status SnapshotIntake::Take(const SnapshotChunk& chunk) {
  RETURN_IF_ERROR(Check(chunk));
  RETURN_IF_ERROR(sink_.Write(chunk.content));
  snapshot_id_ = chunk.snapshot_id;
  file_bytes_ = chunk.file_bytes;
  state_bytes_ = chunk.state_bytes;
  offset_ += chunk.content.size();
  return absl::OkStatus();
}

}  // namespace muster::server
