// How a CheckInRow lies in a table: names and types of the columns, values in and out.
//
// Threads:  pure functions.
// Owns:     nothing.
// Example:  duckdb_history_test.cc, GivesBackEachFieldOfACheckIn.
//
// Columns are only ever added at the end, together with a new kFormatVersion (manifest.h): files
// that are sealed keep the columns that they have.
#pragma once

#include <duckdb.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/history/check_in_row.h"
#include "server/history/history.h"

namespace muster::server::duck {

// The end of the year 9999.
inline constexpr int64_t kMaxTimeUs = 253'402'300'799'000'000;

// "time TIMESTAMP, organization UBIGINT, ..."
std::string TableColumns();
// "time, organization, ..."
std::string ColumnNames();
// The column of a metric.
absl::string_view ColumnOf(Metric metric);

// InvalidArgument for a row that the table can't hold.
absl::Status CheckRow(const CheckInRow& row);

// The types of all columns, to make a chunk; to be destroyed with duckdb_destroy_logical_type.
std::vector<duckdb_logical_type> MakeColumnTypes();
// Puts at most duckdb_vector_size() rows into an empty chunk of these types.
void WriteRows(absl::Span<const CheckInRow> rows, duckdb_data_chunk chunk);
// Appends what a chunk of ColumnNames() holds.
void ReadRows(duckdb_data_chunk chunk, size_t count, std::vector<CheckInRow>& rows);

}  // namespace muster::server::duck
