// Resource names of muster.v1 (AIP-122) as text and back.
//
// Threads:  pure functions.
// Errors:   InvalidArgument for text of another form; names the field and the form.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ids/ids.h"

namespace muster::server {

// "organizations/{slug}" -> slug.
absl::StatusOr<std::string> ParseOrganizationName(absl::string_view field, absl::string_view text);

// "organizations/{slug}/{collection}/{id}"
struct ChildName {
  std::string organization;
  uint64_t id = 0;
};
absl::StatusOr<ChildName> ParseChildName(absl::string_view field, absl::string_view text,
                                         absl::string_view collection);

// The same where the last part was chosen by people; what such a name may hold is checked by its
// owner.
struct NamedChild {
  std::string organization;
  std::string name;
};
absl::StatusOr<NamedChild> ParseNamedChild(absl::string_view field, absl::string_view text,
                                           absl::string_view collection);

// "apiKeys/{id}"
absl::StatusOr<ApiKeyId> ParseApiKeyName(absl::string_view field, absl::string_view text);
// "edges/{slug}" -> slug.
absl::StatusOr<std::string> ParseEdgeName(absl::string_view field, absl::string_view text);

// "organizations/{slug}/{collection}/{id}"
std::string FormatChildName(absl::string_view organization, absl::string_view collection,
                            uint64_t id);

}  // namespace muster::server
