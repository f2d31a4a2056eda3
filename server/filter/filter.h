// Finds the devices that a filter text means: the subset of AIP-160 that docs/filter.md describes.
//
// Threads:  Parse is pure; a Filter is an immutable value, safe to use from any thread.
// Units:    CPU load and memory used in whole percent; times in microseconds since 1970.
// Errors:   InvalidArgument from Parse; the message says at which character and what was expected
//           there.
// Example:  filter_test.cc, MatchesWhatTheTableSays.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::server {

enum class FilterOnline : uint8_t { kOnline, kOffline, kUnknown, kNever };

// What is in memory for every device, so that a filter over it alone reads no table.
struct FilterStatus {
  FilterOnline online = FilterOnline::kNever;
  std::optional<int> cpu_load_percent;
  std::optional<int> memory_used_percent;
  // 0: never checked in.
  int64_t last_check_in_us = 0;
};

// What is in a table row. The views must outlive the call only.
struct FilterFacts {
  // 13 characters, the last part of the resource name.
  absl::string_view id;
  absl::string_view display_name;
  absl::string_view identity;
  absl::string_view serial_number;
  // "aa:bb:cc:dd:ee:ff" in any case, or empty.
  absl::string_view mac_address;
  // As text, or empty.
  absl::string_view source_address;
  absl::string_view model;
  absl::string_view routeros_version;
  absl::string_view site;
  const std::map<std::string, std::string>* labels = nullptr;
};

enum class FilterVerdict { kNo, kYes, kNeedsFacts };

struct FilterNode;

class Filter {
 public:
  // Reads a text of at most 4,096 bytes. The empty text matches everything.
  static absl::StatusOr<Filter> Parse(absl::string_view text);

  Filter(const Filter&) = default;
  Filter& operator=(const Filter&) = default;
  ~Filter();

  // Judges by the status alone as far as that goes. Durations count back from `now_us`.
  // kNeedsFacts is never wrong, only undecided: an AND with a false side is decided, whatever the
  // other says.
  FilterVerdict MatchStatus(const FilterStatus& status, int64_t now_us) const;

  // Judges by everything. Agrees with MatchStatus wherever that decided.
  bool Match(const FilterStatus& status, const FilterFacts& facts, int64_t now_us) const;

  // True for the filter that every device matches because it is empty.
  bool matches_all() const { return root_ == nullptr; }

  // True where each check-in, or time alone, can change what matches: the filter asks for cpu,
  // memory, last_check_in or the source address. Not for online, which changes as facts do.
  bool reads_check_ins() const;

 private:
  explicit Filter(std::shared_ptr<const FilterNode> root);

  // Shared: immutable, and copies of a filter are handed to the stores.
  std::shared_ptr<const FilterNode> root_;
};

}  // namespace muster::server
