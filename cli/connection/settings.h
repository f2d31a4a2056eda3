// Which server, with which key: flags, over the environment, over the chosen context, over
// defaults.
//
// Threads:  pure but for reading the context file.
// Errors:   InvalidArgument for a setting that makes no sense, FailedPrecondition for a
//           context file that can't be read, NotFound for a context that isn't there.
// Example:  settings_test.cc, FlagsWinOverEnvironmentOverContext.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/connection/contexts.h"

namespace muster::cli {

// What was given on the command line; nullopt: not given.
struct GlobalFlags {
  std::optional<std::string> server, ca_file, api_key_file, organization, context, config;
};

struct Setting {
  std::string value;
  // "--server", "MUSTER_SERVER", "context default" or "default"; empty where there is no value.
  std::string source;
};

struct Settings {
  std::string context_path;
  // The context that was used; empty: none.
  std::string context;
  // HOST:PORT; of a cluster's nodes several, with commas between.
  Setting server;
  // Empty: the system's own certificate authorities.
  Setting ca_file;
  Setting api_key_file;
  // A slug.
  Setting organization;
  // How long a call goes on trying while the server is unavailable (MUSTER_RETRY_FOR).
  absl::Duration retry_for = absl::Seconds(5);
};

// Chooses each setting for itself, so that one flag changes one thing, and says where it came from:
// an error or `context show` then names what to change.
absl::StatusOr<Settings> ResolveSettings(const GlobalFlags& flags, const Environment& environment);

// "90s", "24h", "7d", "1h30m"; units s, m, h, d, w. InvalidArgument says what is wrong.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

}  // namespace muster::cli
