// Bytes of one entry of the command log: DESIGN.md of this room describes them one by one.
//
// Threads:  pure functions.
// Errors:   DataLoss for bytes that EncodeEntry did not write (cut, flipped, appended to);
//           Unimplemented for a newer format or command version, which must stop a node;
//           InvalidArgument from CheckedCommand for text that is not UTF-8.
// Example:  entry_codec_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "muster/internal/v1/commands.pb.h"

namespace muster::server {

// Commands that are larger are refused when they are proposed.
inline constexpr size_t kMaxCommandBytes = size_t{1} << 20;
// The writer stops coalescing here; one command alone may be larger.
inline constexpr size_t kMaxEntryBytes = size_t{512} << 10;
inline constexpr size_t kEntryHeaderBytes = 56;

struct EntryHeader {
  // 16 bytes.
  std::string log_id;
  uint64_t index = 0;
  // Which node wrote it; 0 for a node that is alone.
  uint64_t proposer = 0;
  // State time when it was written.
  int64_t state_time_us = 0;
};

struct DecodedEntry {
  EntryHeader header;
  internal::v1::Entry entry;
};

// A command with the bytes that stand for it in entries. They were parsed back, so that what is
// applied is what is written.
struct CheckedCommand {
  internal::v1::Command command;
  std::string bytes;
};
// Serializes the command with its version (feature_level.h) and parses it back. InvalidArgument
// where that fails or it is larger than kMaxCommandBytes: nothing that a start could not read gets
// into an entry.
absl::StatusOr<CheckedCommand> CheckCommand(internal::v1::Command command);

// The bytes of an entry. `commands` are CheckedCommand::bytes, in order; together at most
// kMaxEntryBytes, or one alone.
std::string EncodeEntry(const EntryHeader& header, const std::vector<absl::string_view>& commands);

// An entry's bytes with another index; for engines that learn it only after they wrote them.
// `bytes` must be what EncodeEntry made.
std::string RenumberEntry(absl::string_view bytes, uint64_t index);

// Checks and reads an entry. Reserves at most 16 MiB, whatever the bytes claim.
absl::StatusOr<DecodedEntry> DecodeEntry(absl::string_view bytes);

// CRC-32C (Castagnoli) as iSCSI has it: "123456789" gives 0xE3069283.
uint32_t Crc32c(absl::string_view bytes);

}  // namespace muster::server
