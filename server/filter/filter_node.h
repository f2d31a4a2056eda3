// The tree of a parsed filter; only filter*.cc use it.
//
// Threads:  values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/filter/filter.h"
#include "server/filter/filter_values.h"

namespace muster::server {

// The last four are decided by what is in memory, the others need the row.
enum class FilterField : uint8_t {
  kName,
  kDisplayName,
  kIdentity,
  kSerial,
  kMac,
  kAddress,
  kModel,
  kVersion,
  kSite,
  kLabel,      // labels.KEY
  kLabelKeys,  // labels
  kOnline,
  kCpu,
  kMemory,
  kLastCheckIn,
};

enum class FilterOperator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kHas,
};

// field operator value; the value is parsed into what its field compares.
struct FilterRestriction {
  FilterField field = FilterField::kName;
  FilterOperator op = FilterOperator::kEqual;
  std::string label_key;
  Glob glob;
  std::optional<VersionValue> version;
  std::optional<AddressRange> range;
  // kOnline: bits of 1 << FilterOnline.
  unsigned online_set = 0;
  // Percent, or microseconds; with `ago` counted back from now.
  int64_t number = 0;
  bool ago = false;
  // field:*
  bool is_presence = false;
};

// kAnd and kOr have at least two children, kNot one, kRestriction none. At most 33 levels of
// parentheses, so walks may recurse.
struct FilterNode {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kRestriction };
  Kind kind = Kind::kRestriction;
  std::vector<std::unique_ptr<FilterNode>> children;
  FilterRestriction restriction;
};

}  // namespace muster::server
