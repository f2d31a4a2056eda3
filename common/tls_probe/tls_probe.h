// Says why a TLS server can't be talked to, where the library that failed says only that it did.
//
// Makes a connection of its own, looks at what the server shows and waits for its first word; sends
// nothing. For messages: nothing is trusted because of it.
//
// Threads:  pure functions.
// Blocks:   for `timeout` at most, and for the name's resolution.
// Example:  tls_probe_test.cc.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secrets/secrets.h"

namespace muster {

struct TlsTarget {
  // HOST:PORT.
  std::string address;
  // PEM: what the server's certificate is checked with; empty: the system's.
  std::string roots_pem;
  // PEM: shown to the server; empty: none.
  std::string chain_pem;
  Secret key_pem;
};

// What a probe found first.
enum class TlsProblem : uint8_t {
  // Nothing: it can be talked to.
  kNone,
  // No connection; `detail` says why.
  kUnreachable,
  // It answers with something else than TLS.
  kNoTls,
  // Its certificate has ended, or is not good yet.
  kDates,
  // Its certificate is for other names; `detail` has them.
  kName,
  // No root that was given signed its certificate.
  kAuthority,
  // Another fault of its certificate, in `detail`.
  kCertificate,
  // It wants a certificate, and none was given.
  kWantsCertificate,
  // It does not take the certificate that was given.
  kRefusesCertificate,
  // The key that was given is unreadable, or is not the certificate's.
  kKey,
  // Anything else, in `detail`.
  kOther,
};

struct TlsFinding {
  TlsProblem problem = TlsProblem::kNone;
  // For people; clean text.
  std::string detail;
};

TlsFinding ProbeTls(const TlsTarget& target, absl::Duration timeout);

}  // namespace muster
