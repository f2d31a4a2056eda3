// What variables mean. One place for both sides: what the proposer promised when a job was made is
// what apply does when it gives the number.
#include "server/state/script_variables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace muster::server {
namespace {

std::optional<std::string> Unless(bool empty, const std::string& value) {
  return empty ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

std::optional<std::string> ValueOfVariable(const VariableSource& source, absl::string_view name) {
  if (name == "device.id") return FormatId(source.device);
  if (name == "device.site") return Unless(source.site.empty(), source.site);
  if (name == "device.name") {
    const std::string& title = source.display_name.empty() ? source.identity : source.display_name;
    return Unless(title.empty(), title);
  }
  // Unknown names were refused when the job was made; here they are merely missing.
  if (!absl::ConsumePrefix(&name, "label.")) return std::nullopt;
  const auto found = source.labels.find(std::string(name));
  if (found == source.labels.end()) return std::nullopt;
  return found->second;
}

std::string SecretContext(OrganizationId organization, absl::string_view name) {
  return absl::StrCat("script-secret/", FormatId(organization), "/", name);
}

std::string MissingVariable(absl::string_view name) {
  absl::string_view key = name;
  if (absl::ConsumePrefix(&key, "label.")) return absl::StrCat("label ", key, " is not set");
  return absl::StrCat(name, " is empty");
}

}  // namespace muster::server
