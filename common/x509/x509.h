// Keys, certificate requests and certificates, by OpenSSL; the one place where what routers and
// edges verify is made.
//
// P-256 for all that Muster signs with; RSA-2048 only as a leaf for clients without ECDSA. SHA-256
// throughout, which is what RouterOS shows as a fingerprint.
//
// Threads:  pure functions and values; safe from any thread.
// Units:    PEM text holds one certificate unless "chain" is said; times are truncated to seconds.
// Errors:   InvalidArgument for text that does not parse; the message never holds key material.
//           Internal where OpenSSL itself fails.
// Example:  x509_test.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"

struct evp_pkey_st;

namespace muster {

// A private key with its public half. Cheap to copy (shares OpenSSL's reference count).
class PrivateKey {
 public:
  // Makes a new key each time; RSA takes some tenths of a second.
  static absl::StatusOr<PrivateKey> GenerateEcdsaP256();
  static absl::StatusOr<PrivateKey> GenerateRsa2048();
  // Reads any kind that OpenSSL knows; an encrypted one is refused, never asked for at a terminal.
  static absl::StatusOr<PrivateKey> FromPem(const Secret& pem);

  // PKCS#8, unencrypted.
  absl::StatusOr<Secret> ToPem() const;

  // For OpenSSL's functions; good while this object or a copy lives.
  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit PrivateKey(evp_pkey_st* owned);

  // Shared: OpenSSL counts references anyway, and copies are read-only.
  std::shared_ptr<evp_pkey_st> key_;
};

// Names are checked when it is signed: plain ASCII, and a common name of 1 to 64 bytes.
// What a certificate says. Serial numbers are 16 random bytes.
struct CertificateTerms {
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
  absl::Time not_before;
  absl::Time not_after;
  // True: may sign others (path length 0), and is neither server nor client.
  bool is_authority = false;
  // Both may be set: an edge's leaf is for one of them.
  bool for_server = false;
  bool for_client = false;
};

// What stands in a certificate.
struct CertificateFacts {
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
  absl::Time not_before;
  absl::Time not_after;
  // Lower-case hex.
  std::string serial;
  // SHA-256 over the DER form, lower-case hex: RouterOS's `fingerprint`.
  std::string sha256;
};

// The request holds the public key and proves that its sender has the private one; what the
// certificate will say is the signer's decision.
// DER of a PKCS#10 request, signed by `key`.
absl::StatusOr<std::string> MakeCertificateRequest(const PrivateKey& key,
                                                   absl::string_view common_name);

// A self-signed certificate, as PEM.
absl::StatusOr<std::string> SelfSign(const PrivateKey& key, const CertificateTerms& terms);

// The names of the certificate come from `terms` alone.
// Signs the public key of a request (whose signature is checked, whose names are ignored).
absl::StatusOr<std::string> SignRequest(absl::string_view request_der, const PrivateKey& issuer_key,
                                        absl::string_view issuer_pem,
                                        const CertificateTerms& terms);

absl::StatusOr<CertificateFacts> ReadCertificate(absl::string_view pem);

// InvalidArgument says which of the two it is not. Names and usages are not looked at: that is the
// caller's rule.
// Ok where the first certificate of `chain_pem` verifies up to `root_pem` at `at` with the others
// as intermediates, and belongs to `key`.
absl::Status CheckChain(absl::string_view chain_pem, const PrivateKey& key,
                        absl::string_view root_pem, absl::Time at);

}  // namespace muster
