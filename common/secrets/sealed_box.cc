// Sealed boxes of libsodium; they know of no context, so its hash goes inside.
#include "common/secrets/sealed_box.h"

#include <sodium.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr size_t kKeyBytes = crypto_box_PUBLICKEYBYTES;
constexpr size_t kHashBytes = 32;

static_assert(kKeyBytes == crypto_box_SECRETKEYBYTES);

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

absl::Status DoesNotOpen() { return absl::DataLossError("the box does not open with this key"); }

}  // namespace

BoxKeyPair MakeBoxKeyPair() {
  std::string public_key(kKeyBytes, '\0');
  std::string private_key(kKeyBytes, '\0');
  crypto_box_keypair(Bytes(public_key), Bytes(private_key));
  return {std::move(public_key), Secret(std::move(private_key))};
}

absl::StatusOr<BoxKeyPair> BoxKeyPairOf(const Secret& private_key) {
  std::string public_key(kKeyBytes, '\0');
  if (private_key.size() != kKeyBytes ||
      crypto_scalarmult_base(Bytes(public_key), Bytes(private_key.Reveal())) != 0) {
    return absl::InvalidArgumentError("a private key has 32 bytes");
  }
  return BoxKeyPair{std::move(public_key), private_key};
}

absl::StatusOr<std::string> SealInBox(absl::string_view public_key, absl::string_view context,
                                      absl::string_view plain) {
  if (public_key.size() != kKeyBytes) {
    return absl::InvalidArgumentError("a public key has 32 bytes");
  }
  const Secret inner(absl::StrCat(Hash256(context), plain));
  std::string sealed(crypto_box_SEALBYTES + inner.size(), '\0');
  // It fails for the few points that are no key, so that anybody could open it.
  if (crypto_box_seal(Bytes(sealed), Bytes(inner.Reveal()), inner.size(), Bytes(public_key)) != 0) {
    return absl::InvalidArgumentError("the public key is none");
  }
  return sealed;
}

absl::StatusOr<Secret> OpenBox(const BoxKeyPair& keys, absl::string_view context,
                               absl::string_view sealed) {
  if (sealed.size() < crypto_box_SEALBYTES + kHashBytes) return DoesNotOpen();
  std::string inner(sealed.size() - crypto_box_SEALBYTES, '\0');
  const bool opened =
      crypto_box_seal_open(Bytes(inner), Bytes(sealed), sealed.size(), Bytes(keys.public_key),
                           Bytes(keys.private_key.Reveal())) == 0;
  const Secret whole(std::move(inner));
  if (!opened || !EqualInConstantTime(whole.Reveal().substr(0, kHashBytes), Hash256(context))) {
    return DoesNotOpen();
  }
  return Secret(std::string(whole.Reveal().substr(kHashBytes)));
}

}  // namespace muster
