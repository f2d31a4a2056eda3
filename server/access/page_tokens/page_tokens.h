// Page tokens: where a listing goes on, sealed, so that it opens only for the listing that gave it.
//
// The text is base64url of nonce | ciphertext | tag (XChaCha20-Poly1305); method, organization,
// filter and order are bound as context and don't stand in it. The key comes from the master key,
// so a token outlives restarts and is good on every node.
//
// Threads:  safe to call from any thread.
// Errors:   InvalidArgument from Open, whatever the reason.
// Example:  page_tokens_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::server {

// What a token is good for.
struct PageBinding {
  // "muster.v1.DeviceService/ListDevices"
  absl::string_view method;
  // 0: all organizations.
  uint64_t organization = 0;
  // Everything else that chooses or orders what is listed: the parent, the filter ...
  absl::string_view query;
};

class PageTokens {
 public:
  explicit PageTokens(const Secret& master_key);

  // `cursor` is at most 256 bytes.
  // Different text each time for the same place.
  std::string Seal(const PageBinding& binding, absl::string_view cursor) const;
  absl::StatusOr<std::string> Open(const PageBinding& binding, absl::string_view token) const;

 private:
  Secret key_;
};

}  // namespace muster::server
