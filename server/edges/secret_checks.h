// Which secret check each device must show at one edge, computed once per device and stream.
//
// Two checks of 16 bytes a device are kept, never a secret: opening the sealed one for each
// check-in would cost more than the rest of a check-in together.
//
// Threads:  safe to call from any thread.
// Owns:     the edge's key; `state` and `master` must outlive this object.
// Blocks:   Check never, since the state answers keys from memory.
// Example:  edge_session_test.cc, SecretsAreOpenedOnceADevice.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "common/sync/mutex.h"
#include "server/edges/edge_messages.h"
#include "server/pki/cluster_keys.h"
#include "server/pki/organization_keys.h"
#include "server/state/state.h"

namespace muster::server {

// kRightNext: it proves the token that is on its way to the router.
enum class ProofVerdict : uint8_t { kRight, kRightNext, kWrong, kUnknownDevice };

inline bool IsRight(ProofVerdict verdict) {
  return verdict == ProofVerdict::kRight || verdict == ProofVerdict::kRightNext;
}

class SecretChecks {
 public:
  SecretChecks(const State& state, const Secret& master, const ClusterKeys& keys,
               const Clock& clock, Secret edge_key)
      : state_(state),
        master_(master),
        organization_keys_(state, master),
        keys_(keys),
        clock_(clock),
        edge_key_(std::move(edge_key)) {}

  // Judges each proof, in constant time for a known device; one verdict for each, in order.
  // Computes what it meets for the first time (about 2 us a device).
  std::vector<ProofVerdict> Check(absl::Span<const SecretProof> proofs);

  // Describes what the edge may know of a device, with the check that its items must show; nullopt
  // for one that is unknown, revoked or deleted, unless it was released. Reads the state where an
  // agent text is wanted.
  std::optional<EdgeDevice> Describe(DeviceId device);

  // True where this stream has met the device.
  bool Knows(DeviceId device) const;
  // Those of an organization that this stream has met.
  std::vector<DeviceId> KnownOf(OrganizationId organization) const;

  // Forgets the device after it was deleted, or got another secret or a next one. What was computed
  // before and not kept yet is not kept either.
  void Forget(DeviceId device);

  const Secret& edge_key() const { return edge_key_; }
  // Under which the state seals.
  const Secret& master() const { return master_; }

 private:
  using CheckValue = std::array<char, 16>;
  struct Expected {
    CheckValue now{};
    // Of the next token, where there is one.
    bool has_next = false;
    CheckValue next{};
  };

  static ProofVerdict Judge(const SecretProof& proof, const Expected& expected);
  std::optional<Expected> Find(DeviceId device) const;
  // A device with what it must show, kept or computed; nullopt where it is unknown, revoked or
  // deleted (unless released), or its secret does not open.
  struct Met {
    DeviceKeyRecord key;
    Expected expected;
  };
  std::optional<Met> Meet(DeviceId device);
  // Nullopt where the secret does not open, which is logged.
  std::optional<CheckValue> Compute(DeviceId device, absl::string_view sealed_secret) const;
  void AddOffer(const DeviceKeyRecord& key, EdgeDevice& device) const;
  // Unless something was forgotten since `forgotten`.
  void Keep(DeviceId device, const Expected& value, uint64_t forgotten);

  const State& state_;
  const Secret& master_;
  const OrganizationKeys organization_keys_;
  const ClusterKeys& keys_;
  const Clock& clock_;
  const Secret edge_key_;
  mutable Mutex mutex_;
  absl::flat_hash_map<uint64_t, Expected> expected_ ABSL_GUARDED_BY(mutex_);
  // Counts Forget, so that a value computed before it is not stored after it.
  uint64_t forgotten_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::server
