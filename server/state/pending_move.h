// A state whose log has ended, because it goes on in another one (command MigrateState), and which
// has not been given its new log yet.
//
// Threads:  pure function.
// Example:  tests of server/migration.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/state/state.h"

namespace muster::server {

// The blob of the state that says so: the command. StartNewLog removes it.
inline constexpr absl::string_view kPendingMove = "log/next";

std::optional<internal::v1::MigrateState> FindPendingMove(const State& state);

}  // namespace muster::server
