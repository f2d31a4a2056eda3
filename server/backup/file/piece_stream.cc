#include "server/backup/file/piece_stream.h"

#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/entry_codec.h"

namespace muster::server {
namespace {

// A state of a million devices in some ten seconds; higher levels take much longer for little.
constexpr int kZstdLevel = 3;

std::string ContextOf(const PieceSeal& seal, uint64_t number) {
  return absl::StrCat(seal.context, "/", number);
}

std::string Compress(absl::string_view raw) {
  std::string packed(ZSTD_compressBound(raw.size()), '\0');
  const size_t size =
      ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), kZstdLevel);
  // Only a bound that is too small could fail it.
  packed.resize(ZSTD_isError(size) ? 0 : size);
  return packed;
}

std::string WithHead(uint32_t raw_bytes, absl::string_view body) {
  std::string out;
  PutNumber(raw_bytes, 4, out);
  PutNumber(body.size(), 4, out);
  PutNumber(Crc32c(absl::StrCat(out, body)), 4, out);
  absl::StrAppend(&out, body);
  return out;
}

}  // namespace

void PutNumber(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetNumber(absl::string_view bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)])} << (8 * i);
  }
  return value;
}

std::string EncodePiece(const PieceSeal& seal, uint64_t number, absl::string_view raw) {
  return WithHead(static_cast<uint32_t>(raw.size()),
                  Seal(seal.key, ContextOf(seal, number), Compress(raw)));
}

std::string EncodeEnd(absl::string_view body) { return WithHead(0, body); }

absl::StatusOr<PieceHead> DecodeHead(absl::string_view bytes) {
  PieceHead head;
  head.raw_bytes = static_cast<uint32_t>(GetNumber(bytes, 0, 4));
  head.body_bytes = static_cast<uint32_t>(GetNumber(bytes, 4, 4));
  head.checksum = static_cast<uint32_t>(GetNumber(bytes, 8, 4));
  if (head.raw_bytes > kMostPieceBytes || head.body_bytes > kMostBodyBytes) {
    return absl::DataLossError("a piece has an impossible length");
  }
  return head;
}

absl::Status CheckPiece(const PieceHead& head, absl::string_view body) {
  std::string covered;
  PutNumber(head.raw_bytes, 4, covered);
  PutNumber(head.body_bytes, 4, covered);
  absl::StrAppend(&covered, body);
  if (Crc32c(covered) != head.checksum) return absl::DataLossError("a piece has a wrong checksum");
  return absl::OkStatus();
}

absl::StatusOr<std::string> OpenPiece(const PieceSeal& seal, uint64_t number, const PieceHead& head,
                                      absl::string_view body) {
  const absl::StatusOr<Secret> packed = Open(seal.key, ContextOf(seal, number), body);
  if (!packed.ok()) {
    return absl::DataLossError(absl::StrCat("piece ", number, " does not open"));
  }
  // Not before here: only bytes that we have sealed are expanded.
  std::string raw(head.raw_bytes, '\0');
  const size_t size =
      ZSTD_decompress(raw.data(), raw.size(), packed->Reveal().data(), packed->size());
  if (ZSTD_isError(size) || size != raw.size()) {
    return absl::DataLossError(absl::StrCat("piece ", number, " does not expand"));
  }
  return raw;
}

}  // namespace muster::server
