// Where the state keeps the key of an organization: a blob for each, which holds the command that
// made it (CreateOrganizationKey).
//
// Threads:  pure function.
// Example:  organization_keys_test.cc of server/pki.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"

namespace muster::server {

inline std::string OrganizationKeyBlob(uint64_t organization) {
  return absl::StrCat("organization-key/", FormatId(organization));
}

}  // namespace muster::server
