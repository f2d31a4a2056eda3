// The weekly times of a maintenance window, and when that is in a time zone.
//
//   times  = part *("," part)        "mon-fri 22:00-04:00, sun 00:00-24:00"
//   part   = days " " time "-" time  an end at or before the start is on the next day
//   days   = "daily" or day or day "-" day, days parted by "+": "mon+wed 01:00-02:00"
//
// Threads:  pure functions.
// Errors:   InvalidArgument names the part and what was expected.
// Example:  window_times_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/state/records.h"

namespace muster::server {

struct WeeklyTime {
  // 0 for Monday.
  int day = 0;
  int from_minute = 0;
  int minutes = 0;
};

// Reads at most 20 parts, in any case of letters. Overlaps are no error.
absl::StatusOr<std::vector<WeeklyTime>> ParseWindowTimes(absl::string_view text);

// InvalidArgument for a name that this system's time zone data lack.
absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name);

// Those that end after `from`, of the next `weeks` weeks: ascending, joined where they touch. Wall
// clock times that a clock change skips begin when it does; ones that it repeats, the first time.
std::vector<MaintenanceWindow::Interval> IntervalsOf(const std::vector<WeeklyTime>& times,
                                                     absl::TimeZone zone, absl::Time from,
                                                     int weeks);

}  // namespace muster::server
