#include "server/administration/edge_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "server/errors/errors.h"
#include "server/pki/join_credentials.h"
#include "server/pki/public_url.h"

namespace muster::server {
namespace {

// Above what apply lets be made.
constexpr size_t kMostEdges = 100000;
// A watermark comes each second; a frozen peer is noticed by keepalive after 7 s at worst.
constexpr absl::Duration kSilence = absl::Seconds(7);

}  // namespace

EdgeState StateOf(const Edge& edge, absl::Time state_time) {
  // Strongest first: a revoked edge may still have a moving watermark for a moment.
  if (edge.revoke_time_us != 0) return EdgeState::kRevoked;
  if (edge.join_time_us == 0) return EdgeState::kPending;
  const absl::Time seen = absl::FromUnixMicros(edge.watermark_seen_us);
  // Nobody notes connecting and disconnecting: silence is all the evidence there is.
  return state_time - seen <= kSilence ? EdgeState::kConnected : EdgeState::kUnreachable;
}

absl::StatusOr<Edge> EdgeRegistry::Find(absl::string_view edge_id) const {
  std::optional<Edge> edge = state_.FindEdge(edge_id);
  if (!edge.has_value()) return UnknownResource(absl::StrCat("edges/", edge_id));
  return *std::move(edge);
}

absl::StatusOr<CreatedEdge> EdgeRegistry::Create(const Caller& caller, const AuditedCall& call,
                                                 absl::string_view edge_id,
                                                 absl::string_view public_url) {
  if (!IsSlug(edge_id)) {
    return BadField(
        "edge_id", "wants 2 to 32 lower-case letters, digits and hyphens, beginning with a letter");
  }
  if (!public_url.empty()) {
    // Kept as it was written; the edge must be started with the same text.
    const auto url = ParsePublicUrl(public_url);
    if (!url.ok()) return BadField("public_url", url.status());
  }
  // Before any key is made.
  if (call.validate_only) {
    if (state_.FindEdge(edge_id).has_value()) return NameTaken(absl::StrCat("edges/", edge_id));
    CreatedEdge checked;
    checked.edge.id = std::string(edge_id);
    checked.edge.public_url = std::string(public_url);
    return checked;
  }
  ASSIGN_OR_RETURN(JoinCredentials credentials,
                   MakeJoinCredentials(issuer_, master_key_, edge_id, control_, clock_.Now()));
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  internal::v1::CreateEdge* create = command.mutable_create_edge();
  create->set_edge_id(std::string(edge_id));
  create->set_public_url(std::string(public_url));
  create->set_join_token_hash(credentials.join_token_hash);
  create->set_join_ttl_us(absl::ToInt64Microseconds(kJoinTokenLifetime));
  create->set_sealed_check_key(credentials.sealed_check_key);
  // Sealed beside the request id, for the caller whose answer is lost: the file can't be made
  // again.
  KeepAnswer(master_key_, call, credentials.join_file.Reveal(), &command);
  ASSIGN_OR_RETURN(const Applied applied, log_.Propose(std::move(command)));
  CreatedEdge created;
  created.join_file = std::move(credentials.join_file);
  // What was made just now was never used.
  if (applied.repeated) {
    ASSIGN_OR_RETURN(created.join_file,
                     OpenKeptAnswer(master_key_, call, applied.result.sealed_answer()));
  }
  ASSIGN_OR_RETURN(created.edge, Find(edge_id));
  return created;
}

std::vector<Edge> EdgeRegistry::List(absl::string_view after_id, size_t limit) const {
  return state_.ListEdges(after_id, limit);
}

absl::StatusOr<Edge> EdgeRegistry::ChooseForClaim(absl::string_view edge_id) const {
  if (!edge_id.empty()) {
    ASSIGN_OR_RETURN(Edge edge, Find(edge_id));
    if (edge.revoke_time_us != 0) return NoEdge(absl::StrCat("edges/", edge_id, " was revoked"));
    // Made without --url: it brings one when it joins.
    if (edge.public_url.empty()) {
      return NoEdge(absl::StrCat("edges/", edge_id, " has not joined yet and has no public URL"));
    }
    return edge;
  }
  std::optional<Edge> first;
  for (Edge& edge : state_.ListEdges("", kMostEdges)) {
    if (edge.revoke_time_us != 0 || edge.public_url.empty()) continue;
    // The oldest: a test edge that is added later must not get into new lines.
    if (!first.has_value() || edge.create_time_us < first->create_time_us) first = std::move(edge);
  }
  if (!first.has_value()) return NoEdge("there is no edge proxy with a public URL yet");
  return *std::move(first);
}

absl::StatusOr<Edge> EdgeRegistry::Revoke(const Caller& caller, const AuditedCall& call,
                                          absl::string_view edge_id) {
  if (call.validate_only) return Find(edge_id);
  RETURN_IF_ERROR(Find(edge_id).status());
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  command.mutable_revoke_edge()->set_edge_id(std::string(edge_id));
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  return Find(edge_id);
}

}  // namespace muster::server
