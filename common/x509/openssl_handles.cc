#include "common/x509/openssl_handles.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster {
namespace {

std::string ReasonOfOpenssl() {
  // The last one: it is the outermost cause. All are taken off the thread's queue.
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

}  // namespace

absl::Status OpensslProblem(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", ReasonOfOpenssl()));
}

absl::Status UnreadableText(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a readable ", what, ": ", ReasonOfOpenssl()));
}

// -1 as the size would mean "up to a NUL"; no text here is 2 GB long.
BioHandle ReadFrom(absl::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TextOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size <= 0 ? std::string() : std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<std::vector<CertificateHandle>> ParseChain(absl::string_view pem) {
  const BioHandle bio = ReadFrom(pem);
  if (bio == nullptr) return UnreadableText("certificate");
  std::vector<CertificateHandle> chain;
  // Other blocks between certificates are skipped by OpenSSL.
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(certificate);
  }
  // Any other error is a broken block in the middle, which must not pass as a short chain.
  // The loop ends with "no start line" behind the last certificate.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (chain.empty() || !at_end) return UnreadableText("certificate");
  ERR_clear_error();
  return chain;
}

absl::StatusOr<CertificateHandle> ParseOne(absl::string_view pem) {
  ASSIGN_OR_RETURN(std::vector<CertificateHandle> chain, ParseChain(pem));
  return std::move(chain.front());
}

}  // namespace muster
