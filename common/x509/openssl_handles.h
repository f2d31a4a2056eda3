// OpenSSL's objects with an owner, and the conversions that signing and reading share.
//
// Threads:  pure functions and values; safe from any thread.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// A deleter made of a function: unique_ptr with it costs no more than the pointer.
template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioHandle = std::unique_ptr<BIO, FreeWith<&BIO_free_all>>;
using CertificateHandle = std::unique_ptr<X509, FreeWith<&X509_free>>;
using RequestHandle = std::unique_ptr<X509_REQ, FreeWith<&X509_REQ_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, FreeWith<&X509_EXTENSION_free>>;
using GeneralNamesHandle = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;

// OpenSSL keeps the errors of a thread until they are taken; one that stays would be found by the
// next TLS call of that thread and end an innocent connection. So each failure empties it.
// `what` failed; adds OpenSSL's reason and empties its error queue.
absl::Status OpensslProblem(absl::string_view what);
absl::Status UnreadableText(absl::string_view what);

// A read-only view of `text`, which must outlive it.
BioHandle ReadFrom(absl::string_view text);
std::string TextOf(BIO* memory);

// The certificates of a PEM text in its order; InvalidArgument where there is none.
absl::StatusOr<std::vector<CertificateHandle>> ParseChain(absl::string_view pem);
absl::StatusOr<CertificateHandle> ParseOne(absl::string_view pem);

}  // namespace muster
