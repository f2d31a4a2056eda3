// API keys as text: "mk1.<key id, 13 characters>.<32 random bytes in base64url>".
//
// Only the BLAKE2b-256 of the text is stored; the key itself has 256 bits, so no slow hash is
// needed.
//
// Threads:  pure functions.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/ids/ids.h"
#include "common/secrets/secrets.h"

namespace muster::server {

struct NewApiKey {
  ApiKeyId id;
  Secret text;
  std::string hash;
};

// Makes a key that nobody has seen before; only `hash` may be kept.
NewApiKey MakeApiKey();

// The id in text of the right form, else nullopt; says nothing of whether the key exists.
std::optional<ApiKeyId> IdOfApiKey(absl::string_view text);

// Of the whole text. What is looked up is the hash, so the time of a look-up says nothing of a key.
std::string HashApiKey(absl::string_view text);

}  // namespace muster::server
