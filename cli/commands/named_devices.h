// Devices that people name in a file or on stdin, one a line.
//
// Threads:  not safe; asks the server.
// Errors:   InvalidArgument for an unreadable file, no name at all or more than 10,000; NotFound
//           and FailedPrecondition name the first names that no device, or more than one, has.
// Example:  job_control_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/commands/command.h"

namespace muster::cli {

// Full names of the devices in `path` ("-": stdin), each once, in the order given. A line is an id,
// display name, identity or full name; empty lines and lines that begin with # are left out.
absl::StatusOr<std::vector<std::string>> ReadDeviceNames(Session& session, const std::string& path);

}  // namespace muster::cli
