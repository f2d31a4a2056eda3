// Secret bytes: kept out of logs by their type, wiped when they go, sealed before they are stored.
//
// Algorithms are chosen here, once: callers name a purpose (a hash, a seal), never a cipher.
//
// Threads:  safe to call from any thread; a Secret itself is a value.
// Errors:   DataLoss for a sealed text that does not open (another key, another context, changed
//           bytes); messages never hold a secret.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// Must be called once before anything else here; also prepares `ids`. Repeating is harmless.
absl::Status InitializeCryptography();

// Bytes that are wiped when they are destroyed, replaced or moved away, and that nothing prints.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // The bytes, for the one place that needs them.
  absl::string_view Reveal() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string bytes_;
};

// `size` bytes from the system's cryptographic generator.
Secret RandomSecret(size_t size);
std::string RandomBytes(size_t size);

// Equal in a time that depends on the sizes only.
bool EqualInConstantTime(absl::string_view a, absl::string_view b);

// BLAKE2b-256.
std::string Hash256(absl::string_view bytes);
// Keyed BLAKE2b-128: 16 bytes.
std::string KeyedHash128(const Secret& key, absl::string_view bytes);

// Seals with XChaCha20-Poly1305 under a 32-byte key. `context` says what the bytes are for and
// where they lie (for example "device-secret/<id>"); opening needs the same context.
// Layout: 24 bytes nonce | ciphertext | 16 bytes tag.
std::string Seal(const Secret& key, absl::string_view context, absl::string_view plain);
absl::StatusOr<Secret> Open(const Secret& key, absl::string_view context, absl::string_view sealed);

// Reads a secret from a file: trailing line breaks are dropped. FailedPrecondition where others
// may read the file, NotFound where it is absent.
absl::StatusOr<Secret> ReadSecretFile(const std::string& path);
// Makes the file with mode 0600 and fsyncs it and its folder; AlreadyExists where it is there.
absl::Status WriteNewSecretFile(const std::string& path, absl::string_view bytes);

}  // namespace muster
