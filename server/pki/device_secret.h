// The 16-byte secret of a device as the state keeps it: sealed under the master key, bound to the
// device ("device-secret/DEVICE").
//
// Threads:  pure functions; safe from any thread.
// Errors:   DataLoss where it was sealed under another key or for another device.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"

namespace muster::server {

// Random nonce: sealing twice gives different bytes.
std::string SealDeviceSecret(const Secret& master, DeviceId device, const Secret& secret);
absl::StatusOr<Secret> OpenDeviceSecret(const Secret& master, DeviceId device,
                                        absl::string_view sealed);

}  // namespace muster::server
