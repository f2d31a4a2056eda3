// What the variables of a script are on one device. The proposer checks with it before a job is
// made, apply takes the values with it when a number is given.
//
// Threads:  pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/ids/ids.h"

namespace muster::server {

// What the values come from; from a row or from a Device, so that both sides say the same.
struct VariableSource {
  uint64_t device = 0;
  std::string display_name;
  std::string identity;
  std::string site;
  std::map<std::string, std::string> labels;
};

// The value of "label.KEY", "device.name" (display name, else identity), "device.id" or
// "device.site"; nullopt where the device has none, or there is no such variable.
std::optional<std::string> ValueOfVariable(const VariableSource& source, absl::string_view name);

// What a secret for scripts is sealed for: its place, so that no sealed value can be put under
// another name or into another organization.
std::string SecretContext(OrganizationId organization, absl::string_view name);

// Why the value of a variable is missing, for people: "label vlan is not set".
std::string MissingVariable(absl::string_view name);

}  // namespace muster::server
