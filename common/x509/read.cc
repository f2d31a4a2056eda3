// What stands in certificates, and whether a chain holds.
#include <arpa/inet.h>
#include <openssl/err.h>

#include <ctime>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/x509/openssl_handles.h"
#include "common/x509/x509.h"

namespace muster {
namespace {

// The stack alone: its certificates have owners. (sk_X509_free is a macro, hence no FreeWith.)
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

using StoreHandle = std::unique_ptr<X509_STORE, FreeWith<&X509_STORE_free>>;
using StoreContextHandle = std::unique_ptr<X509_STORE_CTX, FreeWith<&X509_STORE_CTX_free>>;

std::string TextOfString(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<size_t>(ASN1_STRING_length(text)));
}

std::string CommonNameOf(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // A certificate need not have one.
  if (at < 0) return "";
  return TextOfString(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

std::string AddressText(const ASN1_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  // Neither 4 nor 16 bytes: no address.
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return "";
  inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text));
  return text;
}

void ReadAlternativeNames(const X509* certificate, CertificateFacts& facts) {
  const GeneralNamesHandle names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  // Absent and unreadable both give none: then no name fits.
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind);
    const auto* text = static_cast<const ASN1_STRING*>(value);
    if (kind == GEN_DNS) facts.dns_names.push_back(TextOfString(text));
    if (kind == GEN_URI) facts.uris.push_back(TextOfString(text));
    if (kind == GEN_IPADD) facts.ip_addresses.push_back(AddressText(text));
  }
}

absl::StatusOr<absl::Time> TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return UnreadableText("time in a certificate");
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<CertificateFacts> ReadCertificate(absl::string_view pem) {
  ASSIGN_OR_RETURN(const CertificateHandle certificate, ParseOne(pem));
  CertificateFacts facts;
  facts.common_name = CommonNameOf(certificate.get());
  ReadAlternativeNames(certificate.get(), facts);
  ASSIGN_OR_RETURN(facts.not_before, TimeOf(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(facts.not_after, TimeOf(X509_get0_notAfter(certificate.get())));
  // The magnitude alone; ours are positive.
  facts.serial = absl::BytesToHexString(TextOfString(X509_get0_serialNumber(certificate.get())));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest, &size) != 1) {
    return OpensslProblem("can't hash a certificate");
  }
  facts.sha256 =
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
  return facts;
}

absl::Status CheckChain(absl::string_view chain_pem, const PrivateKey& key,
                        absl::string_view root_pem, absl::Time at) {
  ASSIGN_OR_RETURN(const std::vector<CertificateHandle> chain, ParseChain(chain_pem));
  ASSIGN_OR_RETURN(const CertificateHandle root, ParseOne(root_pem));
  // The key first: it is what operators mix up.
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the first certificate does not belong to the private key");
  }
  const std::unique_ptr<STACK_OF(X509), FreeStack> others(sk_X509_new_null());
  // Intermediates only help to find the way; what is trusted is `root` alone.
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(others.get(), chain[i].get());
  const StoreHandle store(X509_STORE_new());
  const StoreContextHandle context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr || X509_STORE_add_cert(store.get(), root.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others.get()) != 1) {
    return OpensslProblem("can't prepare the check of a certificate chain");
  }
  X509_VERIFY_PARAM* terms = X509_STORE_CTX_get0_param(context.get());
  // Strict: what RouterOS or another client might refuse should fail here.
  X509_VERIFY_PARAM_set_flags(terms, X509_V_FLAG_X509_STRICT);
  // The caller's time: leaves for routers begin in 1970, and tests have clocks of their own.
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(at));
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the certificate chain does not end in the root: ",
                                                 X509_verify_cert_error_string(error)));
}

}  // namespace muster
