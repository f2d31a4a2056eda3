// Private keys. They leave OpenSSL only as a Secret.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/x509/openssl_handles.h"
#include "common/x509/x509.h"

namespace muster {
namespace {

// Without it OpenSSL would ask on the terminal for the password of an encrypted key.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

PrivateKey::PrivateKey(evp_pkey_st* owned) : key_(owned, &EVP_PKEY_free) {}

absl::StatusOr<PrivateKey> PrivateKey::GenerateEcdsaP256() {
  // By OpenSSL's own generator, which seeds itself from the kernel.
  EVP_PKEY* key = EVP_EC_gen("P-256");
  if (key == nullptr) return OpensslProblem("can't make a P-256 key");
  return PrivateKey(key);
}

absl::StatusOr<PrivateKey> PrivateKey::GenerateRsa2048() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  if (key == nullptr) return OpensslProblem("can't make an RSA key");
  return PrivateKey(key);
}

// PKCS#8 and the older forms of one key type.
absl::StatusOr<PrivateKey> PrivateKey::FromPem(const Secret& pem) {
  const BioHandle bio = ReadFrom(pem.Reveal());
  EVP_PKEY* key =
      bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr);
  if (key == nullptr) return UnreadableText("private key");
  return PrivateKey(key);
}

absl::StatusOr<Secret> PrivateKey::ToPem() const {
  // Memory that OpenSSL wipes when it is freed.
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpensslProblem("can't write a private key");
  }
  return Secret(TextOf(bio.get()));
}

}  // namespace muster
