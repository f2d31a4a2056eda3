// Values of filters. Own parsers rather than the library's, because what comes is typed by people:
// bounded digits, no signs, no exponents, nothing left over at the end.
#include "server/filter/filter_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace muster::server {
namespace {

bool SameBytes(absl::string_view a, absl::string_view b, bool ignore_case) {
  return ignore_case ? absl::EqualsIgnoreCase(a, b) : a == b;
}

// Where `piece` first occurs in `text` from `from` on, or npos.
size_t FindPiece(absl::string_view text, absl::string_view piece, size_t from, bool ignore_case) {
  for (size_t at = from; at + piece.size() <= text.size(); ++at) {
    if (SameBytes(text.substr(at, piece.size()), piece, ignore_case)) return at;
  }
  return absl::string_view::npos;
}

// Takes up to 6 digits from the front.
std::optional<int> TakeNumber(absl::string_view* text) {
  size_t digits = 0;
  // A seventh is looked at to refuse it, not to take it: "1234567" is no number and not 123456.
  while (digits < text->size() && digits < 7 && absl::ascii_isdigit((*text)[digits])) ++digits;
  if (digits == 0 || digits == 7) return std::nullopt;
  int value = 0;
  if (!absl::SimpleAtoi(text->substr(0, digits), &value)) return std::nullopt;
  text->remove_prefix(digits);
  return value;
}

}  // namespace

bool Glob::Matches(absl::string_view text, bool ignore_case) const {
  if (!has_star()) return SameBytes(text, pieces_.front(), ignore_case);
  // Head and tail are fixed to the ends; between them each piece takes the first place where it
  // fits, which is right because a later place never leaves more room.
  const std::string& head = pieces_.front();
  const std::string& tail = pieces_.back();
  if (text.size() < head.size() + tail.size()) return false;
  if (!SameBytes(text.substr(0, head.size()), head, ignore_case)) return false;
  if (!SameBytes(text.substr(text.size() - tail.size()), tail, ignore_case)) return false;
  const absl::string_view middle = text.substr(0, text.size() - tail.size());
  size_t at = head.size();
  for (size_t i = 1; i + 1 < pieces_.size(); ++i) {
    at = FindPiece(middle, pieces_[i], at, ignore_case);
    if (at == absl::string_view::npos) return false;
    at += pieces_[i].size();
  }
  return true;
}

bool Glob::FoundIn(absl::string_view text) const {
  size_t at = 0;
  // Not fixed to the ends: "contains".
  for (const std::string& piece : pieces_) {
    at = FindPiece(text, piece, at, /*ignore_case=*/true);
    if (at == absl::string_view::npos) return false;
    at += piece.size();
  }
  return true;
}

std::optional<VersionValue> ParseVersionValue(absl::string_view text) {
  // RouterOS says the channel behind it: "7.15.3 (stable)".
  text = text.substr(0, text.find(' '));
  VersionValue version;
  while (true) {
    const std::optional<int> number = TakeNumber(&text);
    // No RouterOS has more.
    if (!number.has_value() || version.numbers.size() == 4) return std::nullopt;
    version.numbers.push_back(*number);
    if (!absl::ConsumePrefix(&text, ".")) break;
  }
  if (text.empty()) return version;
  if (absl::ConsumePrefix(&text, "alpha")) {
    version.stage = 0;
  } else if (absl::ConsumePrefix(&text, "beta")) {
    version.stage = 1;
  } else if (absl::ConsumePrefix(&text, "rc")) {
    version.stage = 2;
  } else {
    return std::nullopt;
  }
  const std::optional<int> number = TakeNumber(&text);
  if (!number.has_value() || !text.empty()) return std::nullopt;
  version.stage_number = *number;
  return version;
}

int CompareVersions(const VersionValue& a, const VersionValue& b) {
  const size_t size = std::max(a.numbers.size(), b.numbers.size());
  for (size_t i = 0; i < size; ++i) {
    // 7.15 and 7.15.0 are the same.
    const int left = i < a.numbers.size() ? a.numbers[i] : 0;
    const int right = i < b.numbers.size() ? b.numbers[i] : 0;
    if (left != right) return left < right ? -1 : 1;
  }
  if (a.stage != b.stage) return a.stage < b.stage ? -1 : 1;
  if (a.stage_number != b.stage_number) return a.stage_number < b.stage_number ? -1 : 1;
  return 0;
}

bool VersionIsWithin(const VersionValue& version, const VersionValue& prefix) {
  // "7.21beta" as a prefix would be neither number nor version.
  if (prefix.stage != 3) return CompareVersions(version, prefix) == 0;
  for (size_t i = 0; i < prefix.numbers.size(); ++i) {
    const int number = i < version.numbers.size() ? version.numbers[i] : 0;
    if (number != prefix.numbers[i]) return false;
  }
  return true;
}

std::optional<AddressRange> ParseAddressRange(absl::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  AddressRange range;
  int family_bits = 128;
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    family_bits = 32;
    // ::ffff:a.b.c.d: one comparison serves both families.
    range.bytes[10] = range.bytes[11] = 0xff;
    std::memcpy(&range.bytes[12], &v4, 4);
  } else if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
    std::memcpy(range.bytes.data(), &v6, 16);
  } else {
    return std::nullopt;
  }
  if (slash == absl::string_view::npos) return range;
  absl::string_view bits_text = text.substr(slash + 1);
  const std::optional<int> bits = TakeNumber(&bits_text);
  if (!bits.has_value() || !bits_text.empty() || *bits > family_bits) return std::nullopt;
  // The prefix of the whole 16 bytes.
  range.prefix_bits = 128 - family_bits + *bits;
  return range;
}

bool AddressIsWithin(const AddressRange& address, const AddressRange& range) {
  const int whole = range.prefix_bits / 8;
  if (std::memcmp(address.bytes.data(), range.bytes.data(), whole) != 0) return false;
  const int rest = range.prefix_bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff & (0xff << (8 - rest));
  return (address.bytes[whole] & mask) == (range.bytes[whole] & mask);
}

std::optional<int64_t> ParseAgo(absl::string_view text) {
  constexpr int64_t kMicros = 1000000;
  // Bounds the sum, whatever is written.
  constexpr int64_t kLongest = int64_t{3660} * 86400 * kMicros;
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  while (!text.empty()) {
    const std::optional<int> number = TakeNumber(&text);
    if (!number.has_value() || text.empty()) return std::nullopt;
    int64_t unit = 0;
    switch (text.front()) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      case 'w':
        unit = 7 * 86400;
        break;
      default:
        return std::nullopt;
    }
    text.remove_prefix(1);
    total += *number * unit * kMicros;
    if (total > kLongest) return std::nullopt;
  }
  return total;
}

std::optional<int64_t> ParseTimeValue(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
      absl::ParseTime("%Y-%m-%d", text, &time, &error)) {
    // Microseconds must fit; who asks for the year 5000 has mistyped.
    if (time < absl::UnixEpoch() || time > absl::FromUnixSeconds(int64_t{1} << 36)) {
      return std::nullopt;
    }
    return absl::ToUnixMicros(time);
  }
  return std::nullopt;
}

std::optional<int> ParsePercent(absl::string_view text) {
  absl::ConsumeSuffix(&text, "%");
  const std::optional<int> number = TakeNumber(&text);
  if (!number.has_value() || !text.empty() || *number > 100) return std::nullopt;
  return number;
}

}  // namespace muster::server
