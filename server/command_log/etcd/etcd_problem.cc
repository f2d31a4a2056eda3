#include "server/command_log/etcd/etcd_problem.h"

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/tls_probe/tls_probe.h"

namespace muster::server {
namespace {

// Of each member.
constexpr absl::Duration kProbe = absl::Seconds(2);

std::string Content(const std::string& path) {
  std::ostringstream text;
  if (!path.empty()) text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string RootsOf(const EtcdTerms& terms) {
  return terms.ca_file.empty() ? "the system's (name another with --etcd-ca-file)"
                               : absl::StrCat("those in --etcd-ca-file ", terms.ca_file);
}

std::string Words(const EtcdTerms& terms, bool tls, const TlsFinding& found) {
  switch (found.problem) {
    case TlsProblem::kNone:
      return tls ? "" : "it speaks TLS: write https:// in --etcd";
    case TlsProblem::kUnreachable:
      return absl::StrCat("no connection (", found.detail, "): is etcd up, and --etcd right?");
    case TlsProblem::kNoTls:
      return tls ? "it speaks no TLS: write http:// in --etcd, or give etcd certificates" : "";
    case TlsProblem::kDates:
      return absl::StrCat("etcd's certificate, or its authority's, ", found.detail,
                          "; give etcd a new one");
    case TlsProblem::kName:
      return absl::StrCat("etcd's certificate is for ", found.detail,
                          "; name etcd so in --etcd, or give it a certificate for this name");
    case TlsProblem::kAuthority:
      return absl::StrCat("etcd's certificate is signed by none of the authorities that this node ",
                          "trusts, ", RootsOf(terms));
    case TlsProblem::kCertificate:
      return absl::StrCat("etcd's certificate does not do: ", found.detail);
    case TlsProblem::kWantsCertificate:
      return "etcd wants a client certificate: --etcd-cert-file and --etcd-key-file";
    case TlsProblem::kRefusesCertificate:
      return absl::StrCat("etcd does not take the certificate in --etcd-cert-file ",
                          terms.cert_file,
                          ": its authority is not in etcd's --trusted-ca-file, it has ended by "
                          "etcd's clock, or it is not for clients");
    case TlsProblem::kKey:
      return absl::StrCat("the key in --etcd-key-file ", terms.key_file,
                          " is not that of the certificate in --etcd-cert-file ", terms.cert_file);
    case TlsProblem::kOther:
      return tls ? absl::StrCat("the handshake fails: ", found.detail) : "";
  }
  return "";
}

}  // namespace

std::string ExplainEtcdConnection(const EtcdTerms& terms) {
  std::vector<std::string> reasons;
  for (const std::string& url : terms.urls) {
    const bool tls = absl::StartsWith(url, "https://");
    TlsTarget target;
    target.address = url.substr(url.find("//") + 2);
    while (!target.address.empty() && target.address.back() == '/') target.address.pop_back();
    target.roots_pem = Content(terms.ca_file);
    target.chain_pem = Content(terms.cert_file);
    target.key_pem = Secret(Content(terms.key_file));
    TlsFinding found = ProbeTls(target, kProbe);
    // Of a server that should speak none, only that it does counts, whatever it shows.
    if (!tls && found.problem != TlsProblem::kUnreachable && found.problem != TlsProblem::kNoTls &&
        found.problem != TlsProblem::kOther) {
      found = {};
    }
    const std::string words = Words(terms, tls, found);
    if (!words.empty()) reasons.push_back(absl::StrCat(target.address, ": ", words));
  }
  return absl::StrJoin(reasons, "; ");
}

absl::Status TellEtcdProblem(const absl::Status& status, const EtcdTerms& terms) {
  const std::string names = absl::StrJoin(terms.urls, ", ");
  if (!IsOpenOutcome(status)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "etcd at ", names, " refuses this node: ", status.message(),
        "; see --etcd-user, --etcd-password-file and the role of that user on keys muster/"));
  }
  const std::string why = ExplainEtcdConnection(terms);
  if (!why.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("can't reach etcd at ", names, ": ", why));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("can't reach etcd at ", names, ": ", status.message(),
                   "; see --etcd, --etcd-ca-file, --etcd-cert-file and --etcd-key-file"));
}

}  // namespace muster::server
