// The kinds of values that stand in a filter, and how they are compared.
//
// Threads:  pure functions and values.
// Errors:   nullopt for text that is not such a value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::server {

// A text pattern: pieces between stars. One piece means no star.
class Glob {
 public:
  Glob() = default;
  explicit Glob(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

  bool has_star() const { return pieces_.size() > 1; }
  // True for "*" alone.
  bool is_anything() const {
    return pieces_.size() == 2 && pieces_[0].empty() && pieces_[1].empty();
  }
  // The text without a star; only where there is none.
  const std::string& text() const { return pieces_.front(); }

  // The whole text fits the pattern. Linear in text times pieces: no backtracking that a pattern
  // could blow up.
  bool Matches(absl::string_view text, bool ignore_case) const;
  // Every piece occurs in `text`, in order, in any case.
  bool FoundIn(absl::string_view text) const;

 private:
  std::vector<std::string> pieces_ = {""};
};

// "7.20.8", "7.21beta3", "6.49.10 (stable)"; betas and release candidates sort before the release.
// At most four numbers of at most six digits.
struct VersionValue {
  std::vector<int> numbers;
  // 0 alpha, 1 beta, 2 rc, 3 release.
  int stage = 3;
  int stage_number = 0;
};
std::optional<VersionValue> ParseVersionValue(absl::string_view text);
// Below 0, 0, above 0; missing numbers count as 0.
int CompareVersions(const VersionValue& a, const VersionValue& b);
// True where `version` begins with all numbers of `prefix`.
// A beta or release candidate is within itself only.
bool VersionIsWithin(const VersionValue& version, const VersionValue& prefix);

// An address or a range of addresses; IPv4 is kept as IPv4-mapped IPv6.
// So both families compare by one rule, and ::ffff:a.b.c.d is a.b.c.d.
struct AddressRange {
  std::array<uint8_t, 16> bytes = {};
  int prefix_bits = 128;
};
std::optional<AddressRange> ParseAddressRange(absl::string_view text);
bool AddressIsWithin(const AddressRange& address, const AddressRange& range);

// "90s", "5m", "2h", "7d", "1h30m"; in microseconds, at most 10 years.
std::optional<int64_t> ParseAgo(absl::string_view text);
// RFC 3339 with a zone, or a date (its beginning in UTC); microseconds since 1970.
std::optional<int64_t> ParseTimeValue(absl::string_view text);

// "50" or "50%", 0 to 100.
std::optional<int> ParsePercent(absl::string_view text);

}  // namespace muster::server
