// Making certificates: profile by profile what RFC 5280 asks for, and nothing more, since RouterOS
// 6 has to read them.
#include <arpa/inet.h>
#include <openssl/pem.h>

#include <ctime>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/x509/openssl_handles.h"
#include "common/x509/x509.h"

namespace muster {
namespace {

// Refused by X.509's upper bound of a common name.
constexpr size_t kMaxCommonName = 64;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status SetCommonName(X509_NAME* name, absl::string_view common_name) {
  if (common_name.empty() || common_name.size() > kMaxCommonName) {
    return absl::InvalidArgumentError(
        absl::StrCat("common name \"", common_name, "\" must have 1 to 64 bytes"));
  }
  if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, Bytes(common_name),
                                 static_cast<int>(common_name.size()), -1, 0) != 1) {
    return OpensslProblem("can't set the common name");
  }
  return absl::OkStatus();
}

// Takes `value` in every case: on failure it is freed here.
absl::Status PushName(GENERAL_NAMES* names, int kind, ASN1_STRING* value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (name == nullptr || value == nullptr || sk_GENERAL_NAME_push(names, name) == 0) {
    GENERAL_NAME_free(name);
    ASN1_STRING_free(value);
    return OpensslProblem("can't add a subject alternative name");
  }
  GENERAL_NAME_set0_value(name, kind, value);
  return absl::OkStatus();
}

absl::Status PushText(GENERAL_NAMES* names, int kind, absl::string_view text) {
  for (const char c : text) {
    // IA5String: no blanks, no controls, nothing that two readers could show differently.
    if (c <= ' ' || c > '~') {
      return absl::InvalidArgumentError("a name in a certificate must be plain ASCII");
    }
  }
  if (text.empty()) return absl::InvalidArgumentError("a name in a certificate must not be empty");
  ASN1_STRING* value = ASN1_IA5STRING_new();
  if (value != nullptr) ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  return PushName(names, kind, value);
}

absl::Status PushAddress(GENERAL_NAMES* names, const std::string& text) {
  unsigned char address[16];
  int size = 0;
  // As bytes, 4 or 16: the text form isn't what is compared.
  if (inet_pton(AF_INET, text.c_str(), address) == 1) size = 4;
  if (size == 0 && inet_pton(AF_INET6, text.c_str(), address) == 1) size = 16;
  if (size == 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not an IP address"));
  }
  ASN1_STRING* value = ASN1_OCTET_STRING_new();
  if (value != nullptr) ASN1_STRING_set(value, address, size);
  return PushName(names, GEN_IPADD, value);
}

absl::Status AddAlternativeNames(X509* certificate, const CertificateTerms& terms) {
  const GeneralNamesHandle names(sk_GENERAL_NAME_new_null());
  for (const std::string& name : terms.dns_names) {
    RETURN_IF_ERROR(PushText(names.get(), GEN_DNS, name));
  }
  for (const std::string& address : terms.ip_addresses) {
    RETURN_IF_ERROR(PushAddress(names.get(), address));
  }
  for (const std::string& uri : terms.uris) {
    RETURN_IF_ERROR(PushText(names.get(), GEN_URI, uri));
  }
  // An empty extension would be malformed.
  if (sk_GENERAL_NAME_num(names.get()) == 0) return absl::OkStatus();
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) !=
      1) {
    return OpensslProblem("can't add subject alternative names");
  }
  return absl::OkStatus();
}

// `value` in the words of OpenSSL's configuration files (x509v3_config).
absl::Status AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, const_cast<char*>(value.c_str())));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpensslProblem(absl::StrCat("can't add the extension ", OBJ_nid2sn(kind)));
  }
  return absl::OkStatus();
}

absl::Status AddUsage(X509* certificate, X509* issuer, const CertificateTerms& terms) {
  if (terms.is_authority) {
    RETURN_IF_ERROR(
        AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
    return AddExtension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  // Said, though it is the default: some verifiers want it.
  RETURN_IF_ERROR(AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE"));
  // RSA key exchange, which old TLS 1.2 clients still choose, wants keyEncipherment.
  const bool rsa = EVP_PKEY_is_a(X509_get0_pubkey(certificate), "RSA") == 1;
  RETURN_IF_ERROR(AddExtension(
      certificate, issuer, NID_key_usage,
      rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature"));
  std::string usage;
  if (terms.for_server) usage = "serverAuth";
  if (terms.for_client) absl::StrAppend(&usage, usage.empty() ? "" : ",", "clientAuth");
  if (usage.empty()) return absl::OkStatus();
  return AddExtension(certificate, issuer, NID_ext_key_usage, usage);
}

absl::Status SetSerialAndTimes(X509* certificate, const CertificateTerms& terms) {
  if (terms.not_after <= terms.not_before) {
    return absl::InvalidArgumentError("a certificate must end after it begins");
  }
  std::string serial = RandomBytes(16);
  // Positive and of full length: RFC 5280 allows 20 octets and wants no leading sign.
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);
  BIGNUM* number = BN_bin2bn(Bytes(serial), static_cast<int>(serial.size()), nullptr);
  const bool numbered = number != nullptr &&
                        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  // Before 1950 and after 2049 X.509 writes times in another form; ASN1_TIME_set chooses.
  const time_t begin = absl::ToTimeT(terms.not_before);
  const time_t end = absl::ToTimeT(terms.not_after);
  if (!numbered || ASN1_TIME_set(X509_getm_notBefore(certificate), begin) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), end) == nullptr) {
    return OpensslProblem("can't set serial number and times");
  }
  return absl::OkStatus();
}

// One signature algorithm for all, which RouterOS 6 verifies: ECDSA or RSA with SHA-256.
// `issuer` is null where the certificate signs itself.
absl::StatusOr<std::string> Sign(EVP_PKEY* subject_key, EVP_PKEY* issuer_key, X509* issuer,
                                 const CertificateTerms& terms) {
  const CertificateHandle certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), subject_key) != 1) {
    return OpensslProblem("can't begin a certificate");
  }
  RETURN_IF_ERROR(SetSerialAndTimes(certificate.get(), terms));
  RETURN_IF_ERROR(SetCommonName(X509_get_subject_name(certificate.get()), terms.common_name));
  // The authority key identifier of a root is its own.
  X509* signer = issuer == nullptr ? certificate.get() : issuer;
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1) {
    return OpensslProblem("can't set the issuer");
  }
  RETURN_IF_ERROR(AddUsage(certificate.get(), signer, terms));
  // Before the authority's, which is taken from the signer's (for a root: from this one).
  RETURN_IF_ERROR(AddExtension(certificate.get(), signer, NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(
      AddExtension(certificate.get(), signer, NID_authority_key_identifier, "keyid:always"));
  RETURN_IF_ERROR(AddAlternativeNames(certificate.get(), terms));
  if (X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0) {
    return OpensslProblem("can't sign a certificate");
  }
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate.get()) != 1) {
    return OpensslProblem("can't write a certificate");
  }
  return TextOf(bio.get());
}

}  // namespace

absl::StatusOr<std::string> MakeCertificateRequest(const PrivateKey& key,
                                                   absl::string_view common_name) {
  const RequestHandle request(X509_REQ_new());
  if (request == nullptr || X509_REQ_set_pubkey(request.get(), key.get()) != 1) {
    return OpensslProblem("can't begin a certificate request");
  }
  RETURN_IF_ERROR(SetCommonName(X509_REQ_get_subject_name(request.get()), common_name));
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return OpensslProblem("can't sign a certificate request");
  }
  std::string der(static_cast<size_t>(i2d_X509_REQ(request.get(), nullptr)), '\0');
  // i2d moves the pointer that it is given.
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509_REQ(request.get(), &end);
  return der;
}

// The authority's terms say so (is_authority); nothing else here makes a root.
absl::StatusOr<std::string> SelfSign(const PrivateKey& key, const CertificateTerms& terms) {
  return Sign(key.get(), key.get(), nullptr, terms);
}

absl::StatusOr<std::string> SignRequest(absl::string_view request_der, const PrivateKey& issuer_key,
                                        absl::string_view issuer_pem,
                                        const CertificateTerms& terms) {
  const unsigned char* begin = Bytes(request_der);
  const RequestHandle request(d2i_X509_REQ(nullptr, &begin, static_cast<long>(request_der.size())));
  // Nothing may follow: one request in one form.
  if (request == nullptr || begin != Bytes(request_der) + request_der.size()) {
    return UnreadableText("certificate request");
  }
  EVP_PKEY* subject_key = X509_REQ_get0_pubkey(request.get());
  // Its signature shows that the sender has the key that is to be certified.
  if (subject_key == nullptr || X509_REQ_verify(request.get(), subject_key) != 1) {
    return UnreadableText("certificate request (its own signature is wrong)");
  }
  ASSIGN_OR_RETURN(const CertificateHandle issuer, ParseOne(issuer_pem));
  // A mix-up here would make leaves that nobody can verify.
  if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    return UnreadableText("issuer (certificate and key don't belong together)");
  }
  return Sign(subject_key, issuer_key.get(), issuer.get(), terms);
}

}  // namespace muster
