// Sealing for somebody else: with the public half of a key pair anybody seals, and only who has the
// private half opens.
//
// Threads:  pure functions and values.
// Errors:   InvalidArgument for a key of another size; DataLoss for what does not open.
// Example:  sealed_box_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster {

// X25519; 32 bytes each.
struct BoxKeyPair {
  std::string public_key;
  Secret private_key;
};

BoxKeyPair MakeBoxKeyPair();
absl::StatusOr<BoxKeyPair> BoxKeyPairOf(const Secret& private_key);

// `context` as for Seal. Layout: 32 bytes of a key that is used once | 16 bytes tag | ciphertext of
// the context's hash and of `plain`.
absl::StatusOr<std::string> SealInBox(absl::string_view public_key, absl::string_view context,
                                      absl::string_view plain);
absl::StatusOr<Secret> OpenBox(const BoxKeyPair& keys, absl::string_view context,
                               absl::string_view sealed);

}  // namespace muster
