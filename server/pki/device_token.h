// Tokens of devices, sealed anew from what the state keeps.
//
// Threads:  pure functions; safe from any thread.
// Errors:   DataLoss where the secret was sealed under another master key or for another device.
// Example:  tests/edges/edge_enrolment_test.cc.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "server/pki/cluster_keys.h"
#include "server/pki/organization_keys.h"

namespace muster::server {

struct DeviceTokenTerms {
  DeviceId device;
  // The one where it joined, wherever it is now.
  OrganizationId organization;
  uint32_t epoch = 1;
  absl::Time issued_at;
};

// "m1..." with the secret that `sealed_secret` holds, under the newest token key.
absl::StatusOr<Secret> IssueDeviceToken(const ClusterKeys& keys,
                                        const OrganizationKeys& organization_keys,
                                        const DeviceTokenTerms& terms,
                                        absl::string_view sealed_secret);

}  // namespace muster::server
