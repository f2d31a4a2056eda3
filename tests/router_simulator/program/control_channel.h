// Commands on standard input, so that a test can look at its routers and do things to them.
//
//   reboot K | power-loss K | dump K /path | export K [show-sensitive] | log K | show K | run K
//   TEXT save K | restore K | clock K UNIX-SECONDS | upgrade K VERSION | status
//
// K counts from 0; "*" means every router. The answer goes to standard output and ends with a
// line that holds only a dot.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/program/fleet.h"

namespace muster::simulator {

// The answer to one line, without the dot.
std::string Answer(Fleet& fleet, absl::string_view line);

// "routers=25 enrolled=25 …".
std::string StatusLine(const Fleet& fleet);

// Reads standard input until it ends; on a thread of its own, which the end of the process ends.
void ServeStandardInput(Fleet* fleet);

}  // namespace muster::simulator
