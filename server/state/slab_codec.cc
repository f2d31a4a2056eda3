#include "server/state/slab_codec.h"

#include <zstd.h>

#include <cstring>

namespace muster::server {
namespace {

constexpr size_t kRowBytes = sizeof(StatusRow);
// Written by the thread that applies: the fastest level, since rows that are transposed compress
// well at any.
constexpr int kZstdLevel = 1;

}  // namespace

std::string EncodeSlab(const std::vector<StatusRow>& rows) {
  // No rows are an empty blob, which a new slab has in the table.
  if (rows.empty()) return "";
  std::string columns(rows.size() * kRowBytes, '\0');
  for (size_t row = 0; row < rows.size(); ++row) {
    const char* bytes = reinterpret_cast<const char*>(&rows[row]);
    for (size_t byte = 0; byte < kRowBytes; ++byte) columns[byte * rows.size() + row] = bytes[byte];
  }
  std::string packed(ZSTD_compressBound(columns.size()), '\0');
  const size_t size =
      ZSTD_compress(packed.data(), packed.size(), columns.data(), columns.size(), kZstdLevel);
  packed.resize(ZSTD_isError(size) ? 0 : size);
  return packed;
}

absl::StatusOr<std::vector<StatusRow>> DecodeSlab(absl::string_view bytes) {
  std::vector<StatusRow> rows;
  if (bytes.empty()) return rows;
  // The largest that there is; more than that zstd refuses to write, so damaged bytes can't ask for
  // memory.
  std::string columns(kSlabRows * kRowBytes, '\0');
  const size_t size = ZSTD_decompress(columns.data(), columns.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size) || size % kRowBytes != 0) {
    return absl::DataLossError("a slab of device states does not expand");
  }
  rows.resize(size / kRowBytes);
  for (size_t row = 0; row < rows.size(); ++row) {
    char* out = reinterpret_cast<char*>(&rows[row]);
    for (size_t byte = 0; byte < kRowBytes; ++byte) out[byte] = columns[byte * rows.size() + row];
  }
  return rows;
}

}  // namespace muster::server
