// AES-256-GCM with a 12-byte nonce and a 16-byte tag behind the ciphertext: by libsodium where the
// processor has AES instructions, else by OpenSSL. Both write and read the same bytes.
//
// Threads:  safe to call from any thread, after InitializeCryptography().
// Errors:   Open answers false for anything that was not sealed under this key and context;
//           `plain` is then to be thrown away.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::routeros {

constexpr size_t kAesKeyBytes = 32;
constexpr size_t kAesNonceBytes = 12;
constexpr size_t kAesTagBytes = 16;

// `key` and `nonce` must have the sizes above.
struct AesGcmInput {
  absl::string_view key;
  absl::string_view nonce;
  // Authenticated, not carried.
  absl::string_view context;
};

enum class AesEngine { kFastest, kOpenSsl };

// Ciphertext | tag; empty when the engine fails.
std::string AesGcmSeal(const AesGcmInput& input, absl::string_view plain,
                       AesEngine engine = AesEngine::kFastest);

bool AesGcmOpen(const AesGcmInput& input, absl::string_view sealed, std::string* plain,
                AesEngine engine = AesEngine::kFastest);

}  // namespace muster::routeros
