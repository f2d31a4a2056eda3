// What the program sees of the person in front of it: streams, terminal, environment, clock. Tests
// fill in their own.
//
// Threads:  not safe; one thread writes.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"

namespace muster::cli {

// Answers go to `out`, all that is said about them to `err`: a pipe gets data and nothing else.
struct Console {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  // Each for itself: `muster device list | less` has a terminal on `err` only, where progress may
  // go.
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // Columns that a table on `out` may take; 0: as many as it wants.
  int width = 0;
  // What "3m ago" counts from; must outlive the console.
  const Clock* clock = nullptr;
  // The value of an environment variable; nullopt where it is unset or empty.
  std::function<std::optional<std::string>(const std::string& name)> environment;
  // Asks on `err` and reads one line without showing it; from `in` where that is no terminal.
  std::function<absl::StatusOr<Secret>(const std::string& prompt)> read_secret;
  // Called before a secret goes to `out`: a regular file there becomes 0600.
  std::function<void()> protect_out;
};

// The process's own streams, terminal and environment.
Console SystemConsole();

}  // namespace muster::cli
