// Names as text. Strict both ways: one form is taken, the one that is written, so that a name can
// be compared as text anywhere.
#include "server/access/resource_names.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/errors/errors.h"

namespace muster::server {

absl::StatusOr<std::string> ParseOrganizationName(absl::string_view field, absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() != 2 || parts[0] != "organizations" || !IsSlug(parts[1])) {
    return BadField(field, "wants the form organizations/ORGANIZATION");
  }
  return std::string(parts[1]);
}

absl::StatusOr<ChildName> ParseChildName(absl::string_view field, absl::string_view text,
                                         absl::string_view collection) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() == 4 && parts[0] == "organizations" && IsSlug(parts[1]) &&
      parts[2] == collection) {
    // 0 stands for "none" everywhere inside.
    if (const std::optional<uint64_t> id = ParseId(parts[3]); id.has_value() && *id != 0) {
      return ChildName{std::string(parts[1]), *id};
    }
  }
  return BadField(field, absl::StrCat("wants the form organizations/ORGANIZATION/", collection,
                                      "/ID, where ID has 13 characters"));
}

absl::StatusOr<NamedChild> ParseNamedChild(absl::string_view field, absl::string_view text,
                                           absl::string_view collection) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() == 4 && parts[0] == "organizations" && IsSlug(parts[1]) &&
      parts[2] == collection && !parts[3].empty()) {
    return NamedChild{std::string(parts[1]), std::string(parts[3])};
  }
  return BadField(field,
                  absl::StrCat("wants the form organizations/ORGANIZATION/", collection, "/NAME"));
}

absl::StatusOr<ApiKeyId> ParseApiKeyName(absl::string_view field, absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() == 2 && parts[0] == "apiKeys") {
    if (const auto id = ParseIdAs<ApiKeyId>(parts[1]); id.has_value() && *id) return *id;
  }
  return BadField(field, "wants the form apiKeys/ID, where ID has 13 characters");
}

absl::StatusOr<std::string> ParseEdgeName(absl::string_view field, absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() != 2 || parts[0] != "edges" || !IsSlug(parts[1])) {
    return BadField(field, "wants the form edges/EDGE");
  }
  return std::string(parts[1]);
}

std::string FormatChildName(absl::string_view organization, absl::string_view collection,
                            uint64_t id) {
  return absl::StrCat("organizations/", organization, "/", collection, "/", FormatId(id));
}

}  // namespace muster::server
