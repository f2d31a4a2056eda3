#include "server/main/etcd_settings.h"

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status/status_macros.h"

namespace muster::server {

void AddEtcdOptions(Options& options, const std::string& help, Settings* settings) {
  options.List("etcd", help, &settings->etcd);
  options.Text("etcd-ca-file", "PEM that etcd's certificates are checked with [the system's]",
               &settings->etcd_ca_file);
  options.Text("etcd-cert-file", "PEM certificate to show to etcd", &settings->etcd_cert_file);
  options.Text("etcd-key-file", "its key (0600)", &settings->etcd_key_file);
  options.Text("etcd-user", "user of etcd, where it has users", &settings->etcd_user);
  options.Text("etcd-password-file", "file of that user's password (0600)",
               &settings->etcd_password_file);
}

std::string FinishEtcdOptions(Settings* settings) {
  // As lists in the environment do.
  settings->etcd = absl::StrSplit(absl::StrJoin(settings->etcd, ","), ',', absl::SkipEmpty());
  const bool details = !settings->etcd_ca_file.empty() || !settings->etcd_cert_file.empty() ||
                       !settings->etcd_key_file.empty() || !settings->etcd_user.empty() ||
                       !settings->etcd_password_file.empty();
  if (settings->etcd.empty()) return details ? "--etcd is missing beside what belongs to it" : "";
  if (settings->etcd_cert_file.empty() != settings->etcd_key_file.empty()) {
    return "--etcd-cert-file and --etcd-key-file go together";
  }
  if (settings->etcd_user.empty() != settings->etcd_password_file.empty()) {
    return "--etcd-user and --etcd-password-file go together";
  }
  return "";
}

absl::StatusOr<EtcdTerms> EtcdTermsOf(const Settings& settings) {
  EtcdTerms terms;
  terms.urls = settings.etcd;
  terms.ca_file = settings.etcd_ca_file;
  terms.cert_file = settings.etcd_cert_file;
  terms.key_file = settings.etcd_key_file;
  terms.user = settings.etcd_user;
  if (!settings.etcd_password_file.empty()) {
    ASSIGN_OR_RETURN(terms.password, ReadSecretFile(settings.etcd_password_file));
  }
  return terms;
}

}  // namespace muster::server
