// A RouterOS script from a file or stdin.
//
// Errors:   InvalidArgument for an unreadable or empty one, FailedPrecondition for text that is not
//           UTF-8 or too long; the message names the flag.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/commands/command.h"

namespace muster::cli {

// Reads `path` ("-": stdin), without a byte order mark. `flag` is what --FLAG gave it.
absl::StatusOr<std::string> ReadScriptFile(Session& session, absl::string_view flag,
                                           const std::string& path);

// Checks text that was given as it is.
absl::StatusOr<std::string> CheckScriptText(std::string script);

}  // namespace muster::cli
