// Asks a simulated router one row of the behaviour table.
//
// Acts, separated by semicolons: "reboot", "power-loss" (the flash is then 40 s late from the
// beginning), "wait SECONDS", "restore" (the configuration from before `before`, with a reboot),
// "rollback" (the same without), "spare" (the configuration on another board), "netinstall",
// "upgrade VERSION", "full-flash", "no-owner", "clock-ahead", "without ftp", "device-mode home",
// "chr".
//
// Threads:  safe from any thread; each call has a router of its own.
// Example:  behaviour_table_test.cc.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "tests/router_simulator/behaviour_table.h"
#include "tests/router_simulator/http_transport.h"
#include "tests/router_simulator/version.h"

namespace muster::simulator {

// What the row's `expected` should be; "NO SUCH ACT" where the row names one that isn't above.
std::string AnswerOf(const Behaviour& row, absl::string_view version, const Quirks& quirks);

// The web server of the rows, at http://files.test.
HttpTransport& BehaviourServer();

// `expected` or `otherwise` with the simulator's web server put in.
std::string WithServer(absl::string_view text);

}  // namespace muster::simulator
