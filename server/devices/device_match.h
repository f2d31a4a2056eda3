// A device as a filter sees it.
//
// Threads:  values.
#pragma once

#include <string>

#include "server/filter/filter.h"
#include "server/state/records.h"

namespace muster::server {

// What filters ask of a status. Memory used is in whole percent, rounded down.
FilterStatus StatusForFilter(const DeviceStatus& status);

// True where the filter means the device. `now_us` is state time.
bool FilterMatches(const Filter& filter, const Device& device, int64_t now_us);

// "48:a9:8a:00:11:22" of 6 bytes; empty for anything else.
std::string MacText(absl::string_view bytes);
// "203.0.113.7" or "2001:db8::1" of 4 or 16 bytes; empty for anything else.
std::string AddressText(absl::string_view bytes);

}  // namespace muster::server
