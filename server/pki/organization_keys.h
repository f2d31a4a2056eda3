// Secrets of one organization are sealed under a key of that organization alone (an envelope key),
// which the state keeps sealed under the master key. What was sealed under the master key itself,
// by an older musterd, opens too.
//
// Shape:    "MUSTERK" 0x01 | organization, 8 bytes | key id, 8 bytes | what Seal makes. Numbers are
//           little-endian.
// Threads:  pure functions; safe from any thread.
// Blocks:   Seal: at the first secret of an organization, on one command.
// Errors:   DataLoss where it was sealed under another key, for something else, or the key is gone;
//           Seal: also as CommandLog.
// Example:  tests/api/organization_keys_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

// Makes the organization's key where it has none. `context` as for muster::Seal.
absl::StatusOr<std::string> SealForOrganization(const State& state, CommandLog& log,
                                                const Secret& master, OrganizationId organization,
                                                absl::string_view context, absl::string_view plain);

absl::StatusOr<Secret> OpenOfOrganization(const State& state, const Secret& master,
                                          absl::string_view context, absl::string_view sealed);

}  // namespace muster::server
