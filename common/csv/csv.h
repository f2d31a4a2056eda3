// Reads CSV as RFC 4180 has it, and nothing else: a file that is not quite right is refused with
// its place instead of being guessed at.
//
// Taken: fields with or without quotes, "" for a quote inside them, line breaks inside them, CRLF
// or LF, a last line without a break, a UTF-8 byte order mark at the start. Refused: text that is
// not UTF-8, NUL, a lone CR, a quote inside an unquoted field, anything behind a closing quote, a
// quote that is never closed, rows of another length than the first, empty lines.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument, "line 3, column 7: ..." (both from 1, columns in bytes).
// Example:  csv_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct CsvField {
  std::string text;
  // Where it begins, from 1.
  int line = 0;
  int column = 0;
};

struct CsvLimits {
  size_t rows = 1'000'000;
  size_t columns = 256;
};

using CsvRow = std::vector<CsvField>;

// Every row, the header too; none for an empty file.
absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text, const CsvLimits& limits = {});

// InvalidArgument at the field's place.
absl::Status CsvError(const CsvField& field, absl::string_view what);

}  // namespace muster
