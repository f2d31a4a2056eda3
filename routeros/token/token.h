// The token that a router shows with every call: it says which device speaks, and carries the
// secret that proves it.
//
// Text:     "m1." + base64url without padding of
//             key id 4 | nonce 12 | AES-256-GCM(device 8 | organization 8 | epoch 4 |
//             issued at 8, microseconds since 1970 | secret 16) | tag 16
//           Numbers are big-endian. Associated data: "m1" | cluster id 16 | key id 4.
//           Always kTokenCharacters long.
// Threads:  safe to call from any thread, after InitializeCryptography().
// Errors:   Unauthenticated for every text that was not sealed with one of the keys for this
//           cluster; messages never hold the text. A valid seal only means that the bearer may be
//           heard: compare the secret check before anything takes effect.
// Example:  token_test.cc, OpensWhatItSealed.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"

namespace muster::routeros {

constexpr size_t kTokenCharacters = 105;
constexpr size_t kTokenSecretBytes = 16;
constexpr size_t kSecretCheckBytes = 16;

struct TokenKey {
  uint32_t key_id = 0;
  // 32 bytes.
  Secret key;
};

struct TokenContents {
  DeviceId device;
  OrganizationId organization;
  // Tokens below the device's least epoch are refused.
  uint32_t epoch = 0;
  absl::Time issued_at;
  // 16 bytes.
  Secret secret;
};

// A fresh text each time (the nonce is random). `cluster_id` is 16 bytes. InvalidArgument for a
// key, cluster id or secret of another size.
absl::StatusOr<Secret> SealToken(const TokenKey& key, absl::string_view cluster_id,
                                 const TokenContents& contents);

// Uses the key that the text names.
absl::StatusOr<TokenContents> OpenToken(absl::Span<const TokenKey> keys,
                                        absl::string_view cluster_id, absl::string_view text);

// What proves a secret to one edge without telling it to the others: keyed BLAKE2b-128 under the
// edge's own 32-byte key.
std::string SecretCheck(const Secret& edge_key, const Secret& token_secret);

}  // namespace muster::routeros
