// Draws tables for people, with ASCII furniture only.
//
// Threads:  pure functions.
// Example:  text_table_test.cc, CutsElasticColumnsToFitTheTerminal.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "cli/output/table.h"

namespace muster::cli {

struct TableStyle {
  // With the wide columns, and nothing cut.
  bool wide = false;
  bool color = false;
  // Columns of the terminal; 0: no limit.
  int width = 0;
};

// Cleans each cell. Where the table is wider than the terminal, elastic columns are cut to 16
// columns, then whole ones are left out from the right; `*hidden_columns` says how many.
std::string DrawTable(const Table& table, const TableStyle& style, int* hidden_columns);

// The longest beginning of clean `text` that takes at most `width` columns, "..." included.
std::string CutToWidth(absl::string_view text, int width);

}  // namespace muster::cli
