// Numbers with units by hand: strtod and friends know locales, take blanks and signs, and none of
// RouterOS's units. Every product is checked for overflow, since the text is a stranger's.
#include "routeros/heartbeat/units.h"

#include <array>
#include <limits>

#include "absl/strings/ascii.h"

namespace muster::routeros {
namespace {

// 63 bits, so that every result fits the control plane's signed columns.
constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();

// base * factor + more, or nullopt above kMost.
std::optional<uint64_t> MultiplyAdd(uint64_t base, uint64_t factor, uint64_t more) {
  uint64_t product = 0, sum = 0;
  if (__builtin_mul_overflow(base, factor, &product) ||
      __builtin_add_overflow(product, more, &sum) || sum > kMost) {
    return std::nullopt;
  }
  return sum;
}

// Takes digits off the front; nullopt where there is none or they are too many.
std::optional<uint64_t> TakeDigits(absl::string_view& text) {
  if (text.empty() || !absl::ascii_isdigit(text.front())) return std::nullopt;
  std::optional<uint64_t> value = 0;
  while (value.has_value() && !text.empty() && absl::ascii_isdigit(text.front())) {
    value = MultiplyAdd(*value, 10, text.front() - '0');
    text.remove_prefix(1);
  }
  return value;
}

// Digits beyond `places` are cut, not rounded.
// A fraction ".d…" as `places` digits, cut; 0 where there is none. Nullopt for a lone dot.
std::optional<uint64_t> TakeFraction(absl::string_view& text, int places) {
  if (text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  if (text.empty() || !absl::ascii_isdigit(text.front())) return std::nullopt;
  uint64_t value = 0;
  for (int i = 0; i < places; ++i) {
    value *= 10;
    if (!text.empty() && absl::ascii_isdigit(text.front())) {
      value += text.front() - '0';
      text.remove_prefix(1);
    }
  }
  while (!text.empty() && absl::ascii_isdigit(text.front())) text.remove_prefix(1);
  return value;
}

struct Unit {
  absl::string_view name;
  uint64_t factor;
};

std::optional<uint64_t> FactorOf(absl::string_view name, absl::string_view unit) {
  static constexpr std::array<Unit, 6> kBytes = {{{"B", 1},
                                                  {"KiB", 1u << 10},
                                                  {"MiB", 1u << 20},
                                                  {"GiB", 1u << 30},
                                                  {"TiB", uint64_t{1} << 40},
                                                  {"kB", 1000}}};
  // "880" and "880MHz" are the same.
  if (name.empty() || name == unit) return 1;
  if (unit != "B") return std::nullopt;
  for (const Unit& row : kBytes) {
    if (row.name == name) return row.factor;
  }
  return std::nullopt;
}

constexpr uint64_t kSecond = 1'000'000;

std::optional<uint64_t> DurationFactor(absl::string_view name) {
  // Whole names are compared, so that "m" is never the begin of "ms".
  static constexpr std::array<Unit, 7> kUnits = {{{"w", 604800 * kSecond},
                                                  {"d", 86400 * kSecond},
                                                  {"h", 3600 * kSecond},
                                                  {"m", 60 * kSecond},
                                                  {"s", kSecond},
                                                  {"ms", 1000},
                                                  {"us", 1}}};
  for (const Unit& row : kUnits) {
    if (row.name == name) return row.factor;
  }
  return std::nullopt;
}

absl::string_view TakeLetters(absl::string_view& text) {
  size_t size = 0;
  while (size < text.size() && absl::ascii_isalpha(text[size])) ++size;
  const absl::string_view letters = text.substr(0, size);
  text.remove_prefix(size);
  return letters;
}

// Behind "HH:": "MM:SS[.fraction]", to the end.
std::optional<uint64_t> ClockUs(uint64_t hours, absl::string_view text) {
  const std::optional<uint64_t> minutes = TakeDigits(text);
  // Hours may be any number: "100:00:00".
  if (!minutes.has_value() || *minutes > 59 || text.empty() || text.front() != ':') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const std::optional<uint64_t> seconds = TakeDigits(text);
  if (!seconds.has_value() || *seconds > 59) return std::nullopt;
  const std::optional<uint64_t> fraction = TakeFraction(text, 6);
  if (!fraction.has_value() || !text.empty()) return std::nullopt;
  return MultiplyAdd(hours, 3600 * kSecond, (*minutes * 60 + *seconds) * kSecond + *fraction);
}

}  // namespace

std::optional<uint64_t> ParseCount(absl::string_view text, absl::string_view unit) {
  const std::optional<uint64_t> whole = TakeDigits(text);
  if (!whole.has_value()) return std::nullopt;
  const std::optional<uint64_t> milli = TakeFraction(text, 3);
  if (!milli.has_value()) return std::nullopt;
  const std::optional<uint64_t> factor = FactorOf(text, unit);
  // "12.5" of something that can't be halved was meant otherwise.
  if (!factor.has_value() || (*factor == 1 && *milli != 0)) return std::nullopt;
  return MultiplyAdd(*whole, *factor, *milli * *factor / 1000);
}

std::optional<Reading> ParseReading(absl::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::optional<uint64_t> whole = TakeDigits(text);
  if (!whole.has_value()) return std::nullopt;
  const std::optional<uint64_t> milli = TakeFraction(text, 3);
  // A longer rest is a sentence, not a unit.
  if (!milli.has_value() || text.size() > 8) return std::nullopt;
  const std::optional<uint64_t> value = MultiplyAdd(*whole, 1000, *milli);
  if (!value.has_value()) return std::nullopt;
  const int64_t number = static_cast<int64_t>(*value);
  return Reading{negative ? -number : number, absl::StripAsciiWhitespace(text)};
}

std::optional<uint64_t> ParseDurationUs(absl::string_view text, uint64_t bare_unit_us) {
  std::optional<uint64_t> sum = 0;
  bool first = true;
  do {
    const std::optional<uint64_t> number = TakeDigits(text);
    if (!number.has_value()) return std::nullopt;
    // A clock ends the text: "1w2d03:04:05".
    if (!text.empty() && text.front() == ':') {
      const std::optional<uint64_t> clock = ClockUs(*number, text.substr(1));
      return clock.has_value() ? MultiplyAdd(*sum, 1, *clock) : std::nullopt;
    }
    // "12" and "12.000000": a bare number, as :serialize may have written it.
    if (first && text.find_first_not_of(".0") == absl::string_view::npos) {
      const std::optional<uint64_t> fraction = TakeFraction(text, 1);
      if (!fraction.has_value() || !text.empty()) return std::nullopt;
      return MultiplyAdd(*number, bare_unit_us, 0);
    }
    const std::optional<uint64_t> factor = DurationFactor(TakeLetters(text));
    if (!factor.has_value()) return std::nullopt;
    const std::optional<uint64_t> part = MultiplyAdd(*number, *factor, 0);
    if (!part.has_value()) return std::nullopt;
    sum = MultiplyAdd(*sum, 1, *part);
    first = false;
  } while (sum.has_value() && !text.empty());
  return sum;
}

std::optional<uint64_t> ParsePercentMilli(absl::string_view text) {
  const std::optional<Reading> reading = ParseReading(text);
  if (!reading.has_value() || reading->value_milli < 0) return std::nullopt;
  if (!reading->unit.empty() && reading->unit != "%") return std::nullopt;
  return static_cast<uint64_t>(reading->value_milli);
}

}  // namespace muster::routeros
