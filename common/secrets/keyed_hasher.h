// A keyed hash over bytes that come in pieces, and keys that are derived from another key.
//
// Threads:  pure functions; a KeyedHasher belongs to one thread.
// Errors:   none.
// Example:  secrets_test.cc.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster {

// Another 32-byte key, made of `key` for this purpose alone: whoever has it learns nothing of `key`
// or of keys for other purposes. Equal for equal input.
Secret DeriveKey(const Secret& key, absl::string_view purpose);

// BLAKE2b-256 under a 32-byte key.
class KeyedHasher {
 public:
  explicit KeyedHasher(const Secret& key);
  ~KeyedHasher();

  void Add(absl::string_view bytes);
  // The 32 bytes for all that was added so far; more may be added afterwards.
  std::string Sum() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace muster
