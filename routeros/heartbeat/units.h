// Values with units as RouterOS writes them. The agent sends them as they stand: no arithmetic in a
// script language without decimals, and versions differ in how they write one value
// (docs/assumptions.md, "Menus").
//
// Threads:  pure functions.
// Errors:   nullopt for text that is not such a value or does not fit in the result.
// Example:  units_test.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace muster::routeros {

// "12", "12.000000" (a number that :serialize has turned into a decimal), "12%", "880MHz",
// "58.5MiB": a whole number of the base unit. `unit` is what may follow: "" for nothing, "%",
// "MHz"; "B" stands for KiB, MiB, GiB too.
std::optional<uint64_t> ParseCount(absl::string_view text, absl::string_view unit);

// A number with a sign and at most three decimals, in thousandths; the rest of the text, up to 8
// characters, is the unit: "41C" is 41000 and "C", "24.2V" is 24200 and "V".
struct Reading {
  int64_t value_milli = 0;
  absl::string_view unit;
};
std::optional<Reading> ParseReading(absl::string_view text);

// "1w2d03:04:05", "1d10h30m15s", "9ms739us", "00:00:00.009739"; a bare whole number counts in
// `bare_unit_us`. In microseconds.
std::optional<uint64_t> ParseDurationUs(absl::string_view text, uint64_t bare_unit_us);

// "0%", "0", "12.5%": in thousandths of a percent.
std::optional<uint64_t> ParsePercentMilli(absl::string_view text);

}  // namespace muster::routeros
