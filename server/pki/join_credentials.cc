#include "server/pki/join_credentials.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/join_file/join_file.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kCheckKeyBytes = 32;

std::string CheckKeyContext(absl::string_view edge_id) {
  return absl::StrCat("edge-check-key/", edge_id);
}

}  // namespace

// 256 random bits need no slow hash.
std::string HashJoinToken(absl::string_view token) { return Hash256(token); }

absl::StatusOr<Secret> OpenCheckKey(const Secret& master, absl::string_view edge_id,
                                    absl::string_view sealed) {
  return Open(master, CheckKeyContext(edge_id), sealed);
}

absl::StatusOr<JoinCredentials> MakeJoinCredentials(const CertificateIssuer& issuer,
                                                    const Secret& master, absl::string_view edge_id,
                                                    absl::string_view control, absl::Time now) {
  ASSIGN_OR_RETURN(Identity identity, issuer.IssueJoin(edge_id));
  JoinFile file;
  file.edge_id = std::string(edge_id);
  file.cluster = ClusterText(issuer.keys().cluster_id);
  file.control = std::string(control);
  file.expires = now + kJoinTokenLifetime;
  // As hex in a text file that people carry from one machine to another.
  file.token = Secret(absl::BytesToHexString(RandomSecret(kTokenBytes).Reveal()));
  file.cluster_root_pem = issuer.keys().cluster_root.pem;
  // The leaf alone: the root stands before it.
  file.certificate_pem = identity.chain_pem.substr(
      0, identity.chain_pem.size() - issuer.keys().cluster_root.pem.size());
  file.private_key_pem = std::move(identity.key_pem);
  JoinCredentials credentials;
  credentials.join_file = FormatJoinFile(file);
  credentials.join_token_hash = HashJoinToken(file.token.Reveal());
  // Made with the edge and for its life: what it proves is bound to this edge alone.
  credentials.sealed_check_key =
      Seal(master, CheckKeyContext(edge_id), RandomSecret(kCheckKeyBytes).Reveal());
  return credentials;
}

}  // namespace muster::server
