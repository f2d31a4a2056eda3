// The behaviour table as a script that a router runs on itself, without Muster around it.
//
// The script runs each row, compares the answer with the table and prints one line a row; what it
// leaves on the router it removes after each row. Rows that need a hand (a power loss, another
// board) stand as comments at its end.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument for a text that is no version.
// Example:  behaviour_script_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/router_simulator/behaviour_table.h"

namespace muster::simulator {

// Whether the row says something about this version: it is listed, or the nearest lower one that
// is listed is of the same family.
bool Applies(const Behaviour& row, absl::string_view version);

// `url`: where the router finds the files of BehaviourFiles, "http://10.0.0.9:8080".
absl::StatusOr<std::string> BehaviourScript(absl::string_view version, absl::string_view url);

}  // namespace muster::simulator
