// Weekly times into moments. Civil time is kept as long as possible and turned into moments at the
// end, because a day with a clock change has 23 or 25 hours.
#include "server/jobs/window_times.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "common/status/status_macros.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

constexpr std::array<absl::string_view, 7> kDays = {"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
constexpr int kDayMinutes = 24 * 60;
// Apply takes at most 1,000 intervals; see state/apply/windows.cc.
constexpr size_t kMostParts = 20;

absl::Status BadPart(absl::string_view part) {
  return BadField("times", absl::StrCat("\"", part,
                                        "\": wants days and times like mon-fri 22:00-04:00, "
                                        "sat+sun 00:00-24:00 or daily 01:00-02:00"));
}

int DayOf(absl::string_view name) {
  const auto found = std::find(kDays.begin(), kDays.end(), name);
  return found == kDays.end() ? -1 : static_cast<int>(found - kDays.begin());
}

// Days of "mon-fri", "sat" or "daily"; empty for anything else. "fri-mon" goes over the week's end.
std::vector<int> DaysOf(absl::string_view text) {
  if (text == "daily") return {0, 1, 2, 3, 4, 5, 6};
  const std::vector<absl::string_view> ends = absl::StrSplit(text, '-');
  if (ends.size() > 2) return {};
  const int first = DayOf(ends.front());
  const int last = DayOf(ends.back());
  if (first < 0 || last < 0) return {};
  std::vector<int> days = {first};
  // "mon-mon" is Monday alone, "sun-sat" all days.
  while (days.back() != last) days.push_back((days.back() + 1) % 7);
  return days;
}

// Minutes since midnight of "HH:MM", up to 24:00; -1 for anything else.
int MinuteOf(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  int hours = 0;
  int minutes = 0;
  if (parts.size() != 2 || parts[0].empty() || parts[0].size() > 2 || parts[1].size() != 2 ||
      !absl::SimpleAtoi(parts[0], &hours) || !absl::SimpleAtoi(parts[1], &minutes)) {
    return -1;
  }
  const int all = hours * 60 + minutes;
  return hours < 0 || minutes < 0 || minutes > 59 || all > kDayMinutes ? -1 : all;
}

absl::Status ParsePart(absl::string_view part, std::vector<WeeklyTime>* times) {
  const std::vector<absl::string_view> words = absl::StrSplit(part, ' ', absl::SkipEmpty());
  if (words.size() != 2) return BadPart(part);
  const std::vector<absl::string_view> ends = absl::StrSplit(words[1], '-');
  if (ends.size() != 2) return BadPart(part);
  const int from = MinuteOf(ends[0]);
  const int to = MinuteOf(ends[1]);
  if (from < 0 || to < 0 || from == kDayMinutes) return BadPart(part);
  // Equal ends are a whole day.
  const int minutes = to > from ? to - from : to + kDayMinutes - from;
  for (const absl::string_view days : absl::StrSplit(words[0], '+')) {
    const std::vector<int> found = DaysOf(days);
    if (found.empty()) return BadPart(part);
    for (const int day : found) times->push_back({day, from, minutes});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<WeeklyTime>> ParseWindowTimes(absl::string_view text) {
  std::vector<WeeklyTime> times;
  const std::string lower = absl::AsciiStrToLower(text);
  const std::vector<absl::string_view> parts = absl::StrSplit(lower, ',');
  if (parts.size() > kMostParts) return BadField("times", "wants at most 20 parts");
  for (const absl::string_view part : parts) RETURN_IF_ERROR(ParsePart(part, &times));
  return times;
}

absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name) {
  absl::TimeZone zone;
  if (name.empty() || !absl::LoadTimeZone(std::string(name), &zone)) {
    return BadField("time_zone", absl::StrCat("\"", name,
                                              "\" is no time zone that this machine knows; wants "
                                              "a name like Europe/Riga or UTC"));
  }
  return zone;
}

std::vector<MaintenanceWindow::Interval> IntervalsOf(const std::vector<WeeklyTime>& times,
                                                     absl::TimeZone zone, absl::Time from,
                                                     int weeks) {
  std::vector<MaintenanceWindow::Interval> found;
  const absl::CivilDay today = absl::ToCivilDay(from, zone);
  // One that began yesterday may still be open.
  for (int at = -1; at < weeks * 7; ++at) {
    const absl::CivilDay day = today + at;
    const int weekday = static_cast<int>(absl::GetWeekday(day));
    for (const WeeklyTime& time : times) {
      if (time.day != weekday) continue;
      const absl::CivilMinute begin = absl::CivilMinute(day) + time.from_minute;
      // A begin that the clock skips is the moment of the change, one that it repeats the first of
      // the two; so is the end.
      const absl::Time start = absl::FromCivil(begin, zone);
      const absl::Time end = absl::FromCivil(begin + time.minutes, zone);
      // The second: a window that lies wholly in the skipped hour.
      if (end <= from || end <= start) continue;
      found.push_back({absl::ToUnixMicros(start), absl::ToUnixMicros(end)});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.start_us < b.start_us; });
  // Joined, so that a job does not seem to have to end at midnight where the next part goes on.
  std::vector<MaintenanceWindow::Interval> joined;
  for (const MaintenanceWindow::Interval& one : found) {
    if (!joined.empty() && one.start_us <= joined.back().end_us) {
      joined.back().end_us = std::max(joined.back().end_us, one.end_us);
    } else {
      joined.push_back(one);
    }
  }
  return joined;
}

}  // namespace muster::server
