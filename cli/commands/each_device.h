// One change of a device, done for the device that the command line names, or for each that stdin
// names (`-`).
//
// Threads:  not safe; asks the server.
// Errors:   NotFound and FailedPrecondition where a name on stdin is nobody's or not one device's:
//           then nothing is changed.
// Example:  identity_test.cc.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/commands/command.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

struct ChangedDevice {
  muster::v1::Device device;
  // What became of it: "is accepted and gets jobs".
  std::string note;
};

// Changes the device with that full name under that request id.
using ChangeDevice = std::function<absl::StatusOr<ChangedDevice>(const std::string& name,
                                                                 const std::string& request_id)>;

// Does `change` for DEVICE. For one device it says what became of it, and shows the device in the
// formats for programs. For `-` it asks first: "This will `consequence` N devices."; it goes on
// after a failure, and ends kPartlyFailed where some failed.
Outcome ForEachDevice(Session& session, absl::string_view consequence, const ChangeDevice& change);

// The help of a positional that takes `-`.
inline constexpr char kDeviceHelp[] = "id, display name or identity; - reads names from stdin";

}  // namespace muster::cli
