// Joining and renewing. Certificates are signed first and given out only when the log has taken the
// command: a revocation that comes in between wins.
#include "server/edges/edge_membership.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/pki/join_credentials.h"
#include "server/pki/public_url.h"

namespace muster::server {
namespace {

absl::Status Revoked(const std::string& edge_id) {
  return absl::PermissionDeniedError(absl::StrCat("edge ", edge_id, " is revoked"));
}

internal::v1::Command CommandOf(const std::string& edge_id, absl::string_view method) {
  internal::v1::Command command;
  command.mutable_actor()->set_principal(absl::StrCat("edges/", edge_id));
  command.set_method(std::string(method));
  return command;
}

// Joining again with the same keys is a repetition; with others it is another attempt.
void IdentifyRepetition(const JoinTerms& terms, internal::v1::Command& command) {
  const std::string digest = Hash256(absl::StrCat(
      Hash256(terms.join_token), Hash256(terms.client_request), Hash256(terms.router_ecdsa_request),
      Hash256(terms.router_rsa_request), terms.public_url));
  // A request id of our own making: the edge repeats a join whose reply was lost with the same
  // keys, and must not be told that the token was used.
  command.mutable_request()->set_request_id(absl::BytesToHexString(digest.substr(0, 16)));
  command.mutable_request()->set_digest(digest);
}

// Fresh ones each time: two sets of certificates for the same keys do no harm.
CommandLog::Done AnswerWith(EdgeCertificates certificates, EdgeMembership::Done done) {
  return [certificates = std::move(certificates),
          done = std::move(done)](const absl::StatusOr<Applied>& applied) mutable {
    if (!applied.ok()) return done(applied.status());
    done(std::move(certificates));
  };
}

}  // namespace

void EdgeMembership::Join(const std::string& edge_id, const JoinTerms& terms, Done done) {
  const std::optional<Edge> edge = state_.FindEdge(edge_id);
  if (!edge.has_value() || edge->revoke_time_us != 0) return done(Revoked(edge_id));
  const absl::StatusOr<PublicUrl> url = ParsePublicUrl(terms.public_url);
  if (!url.ok()) return done(url.status());
  if (!edge->public_url.empty() && edge->public_url != terms.public_url) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("edge ", edge_id, " was created with the public URL ", edge->public_url,
                     "; start it with --public-url ", edge->public_url)));
  }
  // Signed before the token is used up: a request that can't be signed must not cost it.
  absl::StatusOr<EdgeCertificates> certificates = issuer_.IssueEdge(
      edge_id, terms.public_url,
      {terms.client_request, terms.router_ecdsa_request, terms.router_rsa_request});
  if (!certificates.ok()) return done(certificates.status());
  internal::v1::Command command = CommandOf(edge_id, "muster.edge.v1.EdgeService/Join");
  IdentifyRepetition(terms, command);
  internal::v1::JoinEdge& join = *command.mutable_join_edge();
  join.set_edge_id(edge_id);
  join.set_join_token_hash(HashJoinToken(terms.join_token));
  join.set_public_url(terms.public_url);
  join.set_version(terms.version);
  log_.ProposeAsync(std::move(command), AnswerWith(*std::move(certificates), std::move(done)));
}

void EdgeMembership::Renew(const std::string& edge_id, const EdgeRequests& requests, Done done) {
  const std::optional<Edge> edge = state_.FindEdge(edge_id);
  if (!edge.has_value() || edge->revoke_time_us != 0) return done(Revoked(edge_id));
  absl::StatusOr<EdgeCertificates> certificates =
      // Never a URL of the request: routers trust the host that the edge joined with.
      issuer_.IssueEdge(edge_id, edge->public_url, requests);
  if (!certificates.ok()) return done(certificates.status());
  internal::v1::Command command = CommandOf(edge_id, "muster.edge.v1.EdgeService/Renew");
  command.mutable_renew_edge()->set_edge_id(edge_id);
  log_.ProposeAsync(std::move(command), AnswerWith(*std::move(certificates), std::move(done)));
}

absl::Status EdgeMembership::Check(const std::string& edge_id) const {
  const std::optional<Edge> edge = state_.FindEdge(edge_id);
  if (!edge.has_value() || edge->revoke_time_us != 0) return Revoked(edge_id);
  if (edge->join_time_us == 0) {
    return absl::FailedPreconditionError(absl::StrCat("edge ", edge_id, " has not joined"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Secret> EdgeMembership::CheckKey(const std::string& edge_id) const {
  const std::optional<Edge> edge = state_.FindEdge(edge_id);
  if (!edge.has_value() || edge->revoke_time_us != 0) return Revoked(edge_id);
  return OpenCheckKey(master_, edge_id, edge->sealed_check_key);
}

}  // namespace muster::server
