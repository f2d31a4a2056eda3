// The 16-byte secret of a device as the state keeps it: sealed under the key of the organization in
// which it was made, or (by an older musterd) under the master key; bound to the device
// ("device-secret/DEVICE").
//
// Shape:    organization, 8 bytes little-endian, then what Seal makes; under the master key that
//           alone, so the length tells which. No room for more: a million lie in memory.
// Threads:  pure functions; safe from any thread.
// Errors:   DataLoss where it was sealed under another key or for another device.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "server/pki/organization_keys.h"

namespace muster::server {

// Under the organization's key, or where it has none under the master key. Random nonce: sealing
// twice gives different bytes.
absl::StatusOr<std::string> SealDeviceSecret(const OrganizationKeys& keys,
                                             OrganizationId organization, DeviceId device,
                                             const Secret& secret);
absl::StatusOr<Secret> OpenDeviceSecret(const OrganizationKeys& keys, DeviceId device,
                                        absl::string_view sealed);

// The same under the master key.
std::string SealDeviceSecret(const Secret& master, DeviceId device, const Secret& secret);
absl::StatusOr<Secret> OpenDeviceSecret(const Secret& master, DeviceId device,
                                        absl::string_view sealed);

}  // namespace muster::server
