// The one cleaner for text that came from a router or another stranger, before it reaches a
// terminal, a log, CSV or SVG.
//
// Threads:  pure functions.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

enum class LineBreaks {
  kToSpace,  // for table cells, log lines and names
  kKeep,     // for outputs: newline and tab stay
};

// True for well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool IsUtf8(absl::string_view text);

// Well-formed UTF-8 without C0 and C1 controls, DEL, escape sequences (CSI, OSC and the other
// string sequences go whole), bidirectional controls, zero-width characters and line and
// paragraph separators. Broken bytes become U+FFFD.
std::string CleanText(absl::string_view text, LineBreaks line_breaks = LineBreaks::kToSpace);

// Columns that `text` (already clean) takes in a terminal: wide East Asian characters and emoji
// count 2, combining marks 0.
int DisplayWidth(absl::string_view text);

}  // namespace muster
