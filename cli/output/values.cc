// Numbers and times as text. What is rounded for the eye has its exact value beside it in the cell,
// for CSV.
#include "cli/output/values.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster::cli {
namespace {

struct Unit {
  int64_t seconds;
  const char* name;
};
// No months and years: their lengths differ, and 400d says what is meant.
constexpr std::array<Unit, 4> kUnits = {{{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}}};

}  // namespace

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  // Of what is left above the whole second, which rounds towards the past: nanos are never
  // negative.
  timestamp.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

google::protobuf::Duration ToDurationMessage(absl::Duration duration) {
  google::protobuf::Duration message;
  message.set_seconds(absl::ToInt64Seconds(duration));
  return message;
}

std::string ExactTime(absl::Time time) {
  // UTC always: operators of one fleet sit in several time zones, and a "Z" can be pasted anywhere.
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string ShortDuration(absl::Duration duration) {
  int64_t seconds = absl::ToInt64Seconds(duration);
  // Clocks of two machines differ a little: a check-in of just now must not be "-1s ago".
  if (seconds < 0) seconds = 0;
  for (size_t i = 0; i < kUnits.size(); ++i) {
    const Unit& unit = kUnits[i];
    if (seconds < unit.seconds && i + 1 < kUnits.size()) continue;
    std::string text = absl::StrCat(seconds / unit.seconds, unit.name);
    if (i + 1 < kUnits.size()) {
      const Unit& next = kUnits[i + 1];
      // The next unit, whole; what is smaller does not matter beside it.
      const int64_t rest = seconds % unit.seconds / next.seconds;
      if (rest > 0) absl::StrAppend(&text, rest, next.name);
    }
    return text;
  }
  return "0s";
}

Cell TimeCell(bool is_set, const google::protobuf::Timestamp& timestamp, absl::Time now) {
  if (!is_set) return Cell();
  const absl::Time time = ToTime(timestamp);
  return Cell(time <= now ? absl::StrCat(ShortDuration(now - time), " ago")
                          : absl::StrCat("in ", ShortDuration(time - now)),
              ExactTime(time));
}

Cell BytesCell(int64_t bytes) {
  constexpr std::array<const char*, 4> kNames = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return Cell(absl::StrCat(bytes, " B"), absl::StrCat(bytes));
  double amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kNames.size()) {
    amount /= 1024;
    ++unit;
  }
  return Cell(absl::StrFormat("%.1f %s", amount, kNames[unit]), absl::StrCat(bytes));
}

Cell UsedCell(int64_t free, int64_t total) {
  // A router may say anything; what can't be is left empty and not made to fit.
  if (total <= 0 || free < 0 || free > total) return Cell();
  const int64_t percent = static_cast<int64_t>(
      100.0 * static_cast<double>(total - free) / static_cast<double>(total) + 0.5);
  return Cell(absl::StrCat(percent, "%"), absl::StrCat(percent));
}

// By whole numbers: 24500 as a double and back might be 24.499.
std::string MilliText(int64_t milli) {
  std::string text =
      absl::StrFormat("%s%d.%03d", milli < 0 ? "-" : "", (milli < 0 ? -milli : milli) / 1000,
                      (milli < 0 ? -milli : milli) % 1000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace muster::cli
