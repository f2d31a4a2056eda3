// What each method of muster.v1 needs. A method without a row is refused.
//
// Threads:  pure functions.
// Example:  tests/api/credential_matrix_test.cc walks all methods by their descriptors.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "server/state/records.h"

namespace muster::server {

// `method` is "muster.v1.DeviceService/GetDevice".
// Nullopt: no rule, which nobody may call.
std::optional<Role> LeastRoleFor(absl::string_view method);

absl::string_view RoleName(Role role);

}  // namespace muster::server
