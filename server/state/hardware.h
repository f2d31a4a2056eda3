// What tells one board from another in the facts that routers report.
//
// Threads:  pure functions.
// Example:  identity_rules_test.cc.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "muster/internal/v1/commands.pb.h"

namespace muster::server {

// "serial HCX0..." where the board has one, else "software-id ..." (virtual machines, PCs), else
// "mac ..."; empty where the router said none of them.
// The kind stands in front, so that a serial number is never compared with a MAC.
std::string HardwareOf(const internal::v1::Facts& facts);

// True where both name the same kind of mark, and differ. A board that doesn't say its serial
// number in one beat is not another board.
// An empty one is never another.
bool IsOtherHardware(absl::string_view accepted, absl::string_view reported);

}  // namespace muster::server
