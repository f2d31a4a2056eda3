// The one printer behind all formats.
//
// Threads:  not safe.
// Errors:   InvalidArgument for an unknown format.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/output/console.h"
#include "cli/output/table.h"

namespace muster::cli {

enum class Format { kTable, kWide, kJson, kYaml, kCsv, kName };

absl::StatusOr<Format> ParseFormat(absl::string_view text);

// Writes the report to the console's `out`. All text that came from elsewhere is cleaned or, in
// JSON and YAML, escaped. Colors only on a terminal, and not where NO_COLOR is set.
absl::Status Print(const Report& report, Format format, const Console& console);

}  // namespace muster::cli
