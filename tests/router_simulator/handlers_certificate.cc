// /certificate import: every certificate of a file goes into the store and is trusted.
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/router_simulator/evaluator.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/handlers.h"
#include "tests/router_simulator/language.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;

std::string PemOf(X509* certificate) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(out);
  return text;
}

std::string Fingerprint(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return "";
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

std::string CommonName(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "";
  const ASN1_STRING* data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(data)),
                     static_cast<size_t>(ASN1_STRING_length(data)));
}

std::string TimeText(Router& router, const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "";
  const bool iso = router.options().version.AtLeast(7, 10);
  const absl::Time at = absl::FromTM(parts, absl::UTCTimeZone());
  return absl::AsciiStrToLower(
      absl::FormatTime(iso ? "%Y-%m-%d %H:%M:%S" : "%b/%d/%Y %H:%M:%S", at, absl::UTCTimeZone()));
}

std::vector<Certificate> ReadAll(const std::string& text) {
  std::vector<Certificate> all;
  BIO* in = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  while (X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr)) {
    all.emplace_back(certificate);
  }
  BIO_free(in);
  return all;
}

std::string FreeName(const Table& table, const std::string& base) {
  for (int i = 0;; ++i) {
    std::string name = absl::StrCat(base, "_", i);
    bool taken = false;
    for (const Row& row : table.rows) taken |= row.Text("name") == name;
    if (!taken) return name;
  }
}

// False where the store holds it already.
bool AddCertificate(Router& router, X509* certificate, const std::string& base, bool trusted) {
  const MenuSpec& menu = *router.tree().Menu("/certificate");
  Table& table = router.Rows(menu);
  const std::string fingerprint = Fingerprint(certificate);
  for (const Row& row : table.rows) {
    if (row.Text("fingerprint") == fingerprint) return false;
  }
  const std::string name = FreeName(table, base);
  Row& row = table.Add();
  row.values["name"] = Value::String(name);
  row.values["common-name"] = Value::String(CommonName(X509_get_subject_name(certificate)));
  row.values["issuer"] =
      Value::String(absl::StrCat("CN=", CommonName(X509_get_issuer_name(certificate))));
  row.values["fingerprint"] = Value::String(fingerprint);
  row.values["invalid-before"] = Value::String(TimeText(router, X509_get0_notBefore(certificate)));
  row.values["invalid-after"] = Value::String(TimeText(router, X509_get0_notAfter(certificate)));
  row.values["trusted"] = Value::Bool(trusted);
  row.values["authority"] = Value::Bool(X509_check_ca(certificate) != 0);
  row.values["pem"] = Value::String(PemOf(certificate));
  const Row copy = row;
  router.ConfigChanged(EventKind::kRowAdded, menu, copy);
  return true;
}

bool RunCertificateImport(Evaluator& evaluator, const Node& node, Value* result) {
  Arguments arguments;
  if (!evaluator.EvaluateArguments(node, &arguments)) return false;
  if (!evaluator.Needs(node, kPolicyWrite)) return false;
  Router& router = evaluator.router();
  const std::string file = arguments.Text("file-name");
  const std::optional<std::string> text = ReadFile(router, file);
  if (!text) return evaluator.Fail(node, "failure: no such file");
  const std::vector<Certificate> all = ReadAll(*text);
  // RouterOS 7.19 and later ask whether to trust; the default is yes on all versions.
  const Value wanted = arguments.Get("trusted");
  const bool trusted = !wanted.Is(ValueType::kBool) || wanted.AsBool();
  const std::string base = arguments.Has("name") ? arguments.Text("name") : file;
  int64_t imported = 0;
  for (const Certificate& certificate : all) {
    if (AddCertificate(router, certificate.get(), base, trusted)) ++imported;
  }
  Array map;
  map.named["certificates-imported"] = Value::Number(imported);
  map.named["private-keys-imported"] = Value::Number(0);
  map.named["files-imported"] = Value::Number(all.empty() ? 0 : 1);
  map.named["decryption-failures"] = Value::Number(0);
  map.named["keys-with-no-certificate"] = Value::Number(0);
  if (arguments.Has("as-value")) {
    *result = Value::FromArray(std::move(map));
    return true;
  }
  for (const auto& [name, value] : map.named) {
    evaluator.Print(absl::StrCat("  ", name, ": ", ToText(value)));
  }
  return true;
}

}  // namespace

void AddCertificateHandlers(HandlerMap* handlers) {
  (*handlers)["/certificate import"] = RunCertificateImport;
}

}  // namespace muster::simulator
