// The targets of calls that name something in their path. In this room and not with the calls, so
// that the fuzz build reaches it.
//
// Threads:  pure functions.
// Example:  calls_test.cc; payload_path_fuzz.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace muster::edge {

struct PayloadPath {
  uint64_t number = 0;
  // From 1.
  uint32_t part = 0;
};

// No script has more parts.
// 64 KiB in the smallest parts (400 bytes of script on v6) are 164; secrets that are filled
// in add to that.
inline constexpr uint32_t kMostParts = 9'999;

// "/v1/payload/NUMBER/PART" in the one way that the agent writes it: decimal digits without leading
// zeros. nullopt for anything else.
std::optional<PayloadPath> ParsePayloadPath(absl::string_view target);

}  // namespace muster::edge
