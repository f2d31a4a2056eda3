// The list of sealed files that belong to a history, in a file of its own: what it names is
// history, what it does not name is left from a crash. DESIGN.md says how it looks.
//
// Threads:  pure functions, but for Read and Write, which one thread calls at a time.
// Owns:     nothing.
// Errors:   DataLoss for a text that Write did not write; FailedPrecondition for one of a newer
//           Muster; NotFound where there is none.
// Example:  manifest_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/history/history.h"

namespace muster::server::duck {

// Of everything in the folder. A newer one is refused.
inline constexpr uint32_t kFormatVersion = 1;

struct Manifest {
  // Of the command log whose rows these are.
  std::string log_id;
  // What came up to here is sealed, or was and has been removed.
  uint64_t sealed_through = 0;
  // By index, without overlaps.
  std::vector<SealedRange> files;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::string FormatManifest(const Manifest& manifest);
absl::StatusOr<Manifest> ParseManifest(absl::string_view text);

absl::StatusOr<Manifest> ReadManifest(const std::string& path);
// After it the file holds `manifest`, also after a power cut; until then what it held before.
absl::Status WriteManifest(const Manifest& manifest, const std::string& path);

// "00000000000000000001-00000000000000000500.duckdb"; the same rows get the same name on all nodes.
std::string SealedName(const SealedRange& range);

}  // namespace muster::server::duck
