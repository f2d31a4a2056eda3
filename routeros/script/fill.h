// Puts values into a script text that is kept as a constant.
//
// Threads:  pure; safe from any thread.
// Example:  fill.cc's callers in beat_text.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::routeros {

// Replaces each "@NAME@" by its text, once, left to right. The caller quotes what needs quoting.
std::string Fill(absl::string_view text,
                 const std::vector<std::pair<absl::string_view, std::string>>& values);

}  // namespace muster::routeros
