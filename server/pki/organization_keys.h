// Secrets of one organization are sealed under a key of that organization alone (an envelope key),
// which the state keeps sealed under the master key. What was sealed under the master key itself,
// by an older musterd, opens too.
//
// Shape:    "MUSTERK" 0x01 | organization, 8 bytes | key id, 8 bytes | what Seal makes. Numbers are
//           little-endian.
// Threads:  safe to call from any thread.
// Blocks:   Seal: at the first secret of an organization, on one command.
// Errors:   DataLoss where it was sealed under another key, for something else, or the key is gone;
//           Seal: also as CommandLog.
// Example:  tests/api/organization_keys_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"
#include "muster/internal/v1/commands.pb.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

// A key, in clear.
struct OrganizationKey {
  uint64_t id = 0;
  Secret key;
};

// Keys of organizations, each read once: they never change.
class OrganizationKeys {
 public:
  // Both must outlive it.
  OrganizationKeys(const State& state, const Secret& master) : state_(state), master_(master) {}

  // Nullopt: it has none yet.
  absl::StatusOr<std::optional<OrganizationKey>> Find(OrganizationId organization) const;

  const Secret& master() const { return master_; }

 private:
  const State& state_;
  const Secret& master_;
  mutable Mutex mutex_;
  mutable std::map<uint64_t, OrganizationKey> known_ ABSL_GUARDED_BY(mutex_);
};

// A new key for an organization: the command that keeps it. AlreadyExists: another one was first.
internal::v1::Command NewOrganizationKey(const Secret& master, OrganizationId organization);

// Makes the organization's key where it has none; where nodes of an older version don't know such
// keys yet (feature level), seals under the master key. `context` as for muster::Seal.
absl::StatusOr<std::string> SealForOrganization(const State& state, CommandLog& log,
                                                const Secret& master, OrganizationId organization,
                                                absl::string_view context, absl::string_view plain);

absl::StatusOr<Secret> OpenOfOrganization(const State& state, const Secret& master,
                                          absl::string_view context, absl::string_view sealed);

}  // namespace muster::server
