// Large content in pieces of at most 1 MiB, each compressed, sealed and checksummed by itself, so
// that nothing unproven is ever held or expanded, and damage is found without the key.
//
// A piece opens only as the one of this number of this stream: pieces that are swapped, repeated or
// taken from another stream are refused. Whoever uses the stream closes it with a proof of its own
// of how many there are (backup_file.h).
//
// Layout:   DESIGN.md.
// Threads:  one thread.
// Errors:   DataLoss for bytes that are damaged, cut short or altered.
// Example:  backup_file_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::server {

inline constexpr size_t kMostPieceBytes = size_t{1} << 20;
// Before the body of a piece: its raw length, its body's length, a checksum.
inline constexpr size_t kPieceHeadBytes = 12;
inline constexpr size_t kMostBodyBytes = kMostPieceBytes + (size_t{64} << 10);

// What seals the pieces of one stream. `context` is never the same for two streams under one key.
struct PieceSeal {
  Secret key;
  std::string context;
};

// A piece as bytes. `raw` has 1 to kMostPieceBytes.
std::string EncodePiece(const PieceSeal& seal, uint64_t number, absl::string_view raw);
// The mark that no piece follows: raw length 0 and a body for the stream's user.
std::string EncodeEnd(absl::string_view body);

struct PieceHead {
  uint32_t raw_bytes = 0;
  uint32_t body_bytes = 0;
  uint32_t checksum = 0;

  bool is_end() const { return raw_bytes == 0; }
};
// `bytes` has kPieceHeadBytes. Refuses lengths that no writer of ours writes, so that what they
// make us reserve is bounded.
absl::StatusOr<PieceHead> DecodeHead(absl::string_view bytes);

// Ok where the checksum of head and body is right. Anybody can make a right one.
absl::Status CheckPiece(const PieceHead& head, absl::string_view body);

// The content of a piece whose checksum is right.
absl::StatusOr<std::string> OpenPiece(const PieceSeal& seal, uint64_t number, const PieceHead& head,
                                      absl::string_view body);

// Numbers as they lie in backups, little-endian.
void PutNumber(uint64_t value, int bytes, std::string& out);
uint64_t GetNumber(absl::string_view bytes, size_t at, int count);

}  // namespace muster::server
