#include "common/secrets/keyed_hasher.h"

#include <sodium.h>

namespace muster {
namespace {

constexpr size_t kBytes = 32;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct KeyedHasher::State {
  crypto_generichash_state hash;
};

Secret DeriveKey(const Secret& key, absl::string_view purpose) {
  KeyedHasher hasher(key);
  hasher.Add(purpose);
  return Secret(hasher.Sum());
}

KeyedHasher::KeyedHasher(const Secret& key) : state_(std::make_unique<State>()) {
  crypto_generichash_init(&state_->hash, Bytes(key.Reveal()), key.size(), kBytes);
}

// It holds what the key was mixed into.
KeyedHasher::~KeyedHasher() { sodium_memzero(state_.get(), sizeof(State)); }

void KeyedHasher::Add(absl::string_view bytes) {
  crypto_generichash_update(&state_->hash, Bytes(bytes), bytes.size());
}

std::string KeyedHasher::Sum() const {
  // A copy, since to finish one ends it.
  crypto_generichash_state copy = state_->hash;
  std::string sum(kBytes, '\0');
  crypto_generichash_final(&copy, reinterpret_cast<unsigned char*>(sum.data()), sum.size());
  sodium_memzero(&copy, sizeof(copy));
  return sum;
}

}  // namespace muster
