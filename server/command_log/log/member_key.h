// How a new master key of a cluster comes to its members: sealed for each of them in the entry that
// removes another one, so that the removed node, which reads that entry as well, can't open it.
//
// Threads:  pure functions.
// Errors:   InvalidArgument for a public key that is none; DataLoss for a copy that does not open.
// Example:  member_key_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/sealed_box.h"

namespace muster::server {

inline constexpr size_t kMasterKeyBytes = 32;

// Of this cluster (16 bytes), generation and member; it opens for no other.
absl::StatusOr<std::string> SealForMember(absl::string_view public_key,
                                          absl::string_view cluster_id, uint32_t generation,
                                          uint64_t member, const Secret& master_key);
absl::StatusOr<Secret> OpenForMember(const BoxKeyPair& keys, absl::string_view cluster_id,
                                     uint32_t generation, uint64_t member,
                                     absl::string_view sealed);

}  // namespace muster::server
