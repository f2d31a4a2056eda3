// A slab: the status rows of 4,096 devices as one compressed blob.
//
// Layout: the rows transposed (byte 0 of every row, then byte 1 of every row, ...), which puts
// like beside like, then zstd. An empty blob stands for rows that never saw a check-in.
//
// Threads:  pure functions.
// Errors:   DataLoss for a blob that EncodeSlab did not write.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/state/status_row.h"

namespace muster::server {

inline constexpr size_t kSlabRows = 4096;

std::string EncodeSlab(const std::vector<StatusRow>& rows);

// At most kSlabRows rows.
absl::StatusOr<std::vector<StatusRow>> DecodeSlab(absl::string_view bytes);

}  // namespace muster::server
