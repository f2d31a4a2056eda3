// Times, durations and amounts, as people and programs read them.
//
// Threads:  pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "cli/output/table.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace muster::cli {

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
absl::Duration ToDuration(const google::protobuf::Duration& duration);
google::protobuf::Timestamp ToTimestamp(absl::Time time);
google::protobuf::Duration ToDurationMessage(absl::Duration duration);

// "2026-11-22T10:00:00Z".
std::string ExactTime(absl::Time time);

// Two units at most: "45s", "3m10s", "5h2m", "12d3h".
std::string ShortDuration(absl::Duration duration);

// People read how long ago, programs and spreadsheets when: each cell has both.
// "12s ago" or "in 3m"; exact: RFC 3339. Empty for a time that isn't set.
Cell TimeCell(bool is_set, const google::protobuf::Timestamp& timestamp, absl::Time now);

// "512 B", "61.4 MiB"; exact: the number.
Cell BytesCell(int64_t bytes);

// "free/total" as a percentage used, "38%"; exact: with the same meaning. Empty for total 0.
Cell UsedCell(int64_t free, int64_t total);

// Thousandths as a number without needless zeros: 24500 is "24.5".
std::string MilliText(int64_t milli);

}  // namespace muster::cli
