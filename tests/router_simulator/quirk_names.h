// The switches of version.h by name, for tests that run both ways and for the command line.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/version.h"

namespace muster::simulator {

struct NamedQuirk {
  absl::string_view name;
  bool Quirks::*field;
};

const std::vector<NamedQuirk>& AllQuirks();
// "short-circuit, …".
std::string QuirkNames();
// Turns the switch the other way; false for an unknown name.
bool FlipQuirk(absl::string_view name, Quirks* quirks);

}  // namespace muster::simulator
