// What a router says of the agent that it runs: "VERSION+GENERATION", or "VERSION" alone for
// generation 0.
//
// Threads:  pure functions.
// Example:  version_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace muster::routeros {

struct ReportedAgent {
  // As it was written, without the generation.
  absl::string_view version;
  uint32_t generation = 0;
  // The number at the version's beginning; 0 where there is none.
  uint32_t number = 0;
};

// Views into `text`. A generation that is no number counts as none.
ReportedAgent ParseReportedAgent(absl::string_view text);

// The first agent that takes jobs in parts.
inline constexpr uint32_t kFirstAgentWithParts = 2;
// The first that knows `F`, `K` and `W`.
inline constexpr uint32_t kFirstAgentWithVerbs = 2;

}  // namespace muster::routeros
