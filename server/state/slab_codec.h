// A slab: the status rows of 4,096 devices as one compressed blob. So many that zstd finds
// something to save, so few that a thirtieth of a million devices is eight blobs a Tick.
//
// Layout: the rows transposed (byte 0 of every row, then byte 1 of every row, ...), which puts like
// beside like, then zstd. An empty blob stands for rows that never saw a check-in.
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

// Answers at most kSlabRows rows; fewer are those of the last slab at the time when it was written.
absl::StatusOr<std::vector<StatusRow>> DecodeSlab(absl::string_view bytes);

}  // namespace muster::server
