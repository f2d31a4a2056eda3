// What edges call. Each handler does the same three things: says who calls by the certificate,
// converts, and hands over. None waits: Join, Renew and Enroll end in a callback when the log has
// applied their command, so a slow disk costs edges time but never gRPC's threads.
#include "server/grpc_api/edge_service/edge_service.h"

#include <utility>

#include "common/status/status_macros.h"
#include "server/edges/secret_checks.h"
#include "server/grpc_api/edge_service/edge_status.h"

namespace muster::server {
namespace {

using edge::v1::CheckClaimRequest;
using edge::v1::CheckClaimResponse;
using edge::v1::EnrollRequest;
using edge::v1::EnrollResponse;
using edge::v1::JoinRequest;
using edge::v1::JoinResponse;
using edge::v1::RenewRequest;
using edge::v1::RenewResponse;

// For calls that end without a command: refused, or answered from the state.
grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                    const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToEdgeStatus(status));
  return reactor;
}

void ToWire(EdgeCertificates certificates, edge::v1::Certificates& wire) {
  wire.set_client(std::move(certificates.client));
  wire.set_router_ecdsa(std::move(certificates.router_ecdsa));
  wire.set_router_rsa(std::move(certificates.router_rsa));
  wire.set_cluster_root(std::move(certificates.cluster_root));
  wire.set_router_root(std::move(certificates.router_root));
}

// Named one by one and not cast: the log's enum is for ever, the wire's is another one, and what is
// new in the first must not reach an edge as something that it never heard of.
edge::v1::ClaimVerdict ToWire(internal::v1::EnrollVerdict verdict) {
  switch (verdict) {
    case internal::v1::ENROLL_VERDICT_OK:
      return edge::v1::CLAIM_VERDICT_OK;
    case internal::v1::ENROLL_VERDICT_CLAIM_EXPIRED:
      return edge::v1::CLAIM_VERDICT_EXPIRED;
    case internal::v1::ENROLL_VERDICT_CLAIM_USED_UP:
      return edge::v1::CLAIM_VERDICT_USED_UP;
    case internal::v1::ENROLL_VERDICT_CLAIM_WRONG_ADDRESS:
      return edge::v1::CLAIM_VERDICT_WRONG_ADDRESS;
    case internal::v1::ENROLL_VERDICT_TOKEN_FOREIGN:
      return edge::v1::CLAIM_VERDICT_TOKEN_FOREIGN;
    // Reads as "no such claim": the safe answer to a router for anything unforeseen.
    default:
      return edge::v1::CLAIM_VERDICT_UNKNOWN;
  }
}

void ToWire(const ClaimCheck& check, CheckClaimResponse& wire) {
  wire.set_verdict(ToWire(check.verdict));
  wire.set_monitor_only(check.monitor_only);
  wire.set_profile(static_cast<edge::v1::Profile>(check.profile));
  for (const std::string& url : check.urls) wire.add_urls(url);
}

JoinTerms FromWire(const JoinRequest& request) {
  JoinTerms terms;
  terms.join_token = request.join_token();
  terms.public_url = request.public_url();
  terms.version = request.version();
  terms.client_request = request.requests().client();
  terms.router_ecdsa_request = request.requests().router_ecdsa();
  terms.router_rsa_request = request.requests().router_rsa();
  return terms;
}

absl::StatusOr<EnrolmentRequest> FromWire(const std::string& edge_id,
                                          const EnrollRequest& request) {
  EnrolmentRequest enrolment;
  enrolment.edge_id = edge_id;
  enrolment.claim = request.claim();
  enrolment.nonce = request.nonce();
  // A router that joins again may still hold a token; where it proves a device, it stays that
  // device. Kept as a Secret from here on, so that it can't get into a log line.
  enrolment.held_token = Secret(request.token());
  enrolment.source_address = request.source_address();
  // A copy, since TakeFacts moves out of it and the request is const.
  edge::v1::Facts facts = request.facts();
  if (!TakeFacts(facts, enrolment.facts)) {
    return absl::InvalidArgumentError("a fact is too long or of a wrong size");
  }
  return enrolment;
}

}  // namespace

// The certificate alone does not do: it is good for 30 days, and a revoked edge must be out at
// once.
absl::StatusOr<std::string> EdgeService::ActiveEdge(
    const grpc::CallbackServerContext& context) const {
  ASSIGN_OR_RETURN(std::string edge_id, EdgeOfPeer(context, rules_.cluster_id, PeerRole::kEdge));
  RETURN_IF_ERROR(rules_.membership.Check(edge_id));
  return edge_id;
}

grpc::ServerUnaryReactor* EdgeService::Join(grpc::CallbackServerContext* context,
                                            const JoinRequest* request, JoinResponse* response) {
  // A join certificate says for which edge the file was made, so an edge can't join as another one.
  const absl::StatusOr<std::string> edge_id =
      EdgeOfPeer(*context, rules_.cluster_id, PeerRole::kJoin);
  if (!edge_id.ok()) return FinishNow(context, edge_id.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // Filled in before the outcome is known; gRPC sends no message with a status that is not ok.
  response->set_edge_id(*edge_id);
  response->set_cluster_id(rules_.cluster_id);
  if (rules_.membership.IsKnown(*edge_id)) {
    JoinKnown(*edge_id, *request, *response, *reactor);
    return reactor;
  }
  rules_.look.Ask([this, edge = *edge_id, request, response, reactor](bool) {
    JoinKnown(edge, *request, *response, *reactor);
  });
  return reactor;
}

void EdgeService::JoinKnown(const std::string& edge_id, const JoinRequest& request,
                            JoinResponse& response, grpc::ServerUnaryReactor& reactor) {
  rules_.membership.Join(edge_id, FromWire(request),
                         [&reactor, &response](absl::StatusOr<EdgeCertificates> certificates) {
                           if (certificates.ok()) {
                             ToWire(*std::move(certificates), *response.mutable_certificates());
                           }
                           reactor.Finish(ToEdgeStatus(certificates.status()));
                         });
}

grpc::ServerUnaryReactor* EdgeService::Renew(grpc::CallbackServerContext* context,
                                             const RenewRequest* request, RenewResponse* response) {
  const absl::StatusOr<std::string> edge_id = ActiveEdge(*context);
  if (!edge_id.ok()) return FinishNow(context, edge_id.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const edge::v1::CertificateRequests& requests = request->requests();
  rules_.membership.Renew(*edge_id,
                          {requests.client(), requests.router_ecdsa(), requests.router_rsa()},
                          [reactor, response](absl::StatusOr<EdgeCertificates> certificates) {
                            if (certificates.ok()) {
                              ToWire(*std::move(certificates), *response->mutable_certificates());
                            }
                            reactor->Finish(ToEdgeStatus(certificates.status()));
                          });
  return reactor;
}

grpc::ServerUnaryReactor* EdgeService::CheckClaim(grpc::CallbackServerContext* context,
                                                  const CheckClaimRequest* request,
                                                  CheckClaimResponse* response) {
  const absl::StatusOr<std::string> edge_id = ActiveEdge(*context);
  if (!edge_id.ok()) return FinishNow(context, edge_id.status());
  // From the state alone, since nothing changes: a router may fetch its installer as often as it
  // likes, and only Enroll uses the claim up.
  const ClaimCheck check = rules_.claims.Check(request->claim(), request->source_address());
  if (ToWire(check.verdict) != edge::v1::CLAIM_VERDICT_UNKNOWN) {
    ToWire(check, *response);
    return FinishNow(context, absl::OkStatus());
  }
  // The line may have been made at another node, and pasted at once.
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  rules_.look.Ask([this, request, response, reactor](bool) {
    ToWire(rules_.claims.Check(request->claim(), request->source_address()), *response);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerUnaryReactor* EdgeService::Enroll(grpc::CallbackServerContext* context,
                                              const EnrollRequest* request,
                                              EnrollResponse* response) {
  const absl::StatusOr<std::string> edge_id = ActiveEdge(*context);
  if (!edge_id.ok()) return FinishNow(context, edge_id.status());
  absl::StatusOr<EnrolmentRequest> enrolment = FromWire(*edge_id, *request);
  if (!enrolment.ok()) return FinishNow(context, enrolment.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // `this` and `response` live until the call is finished, and the server waits for that before it
  // goes.
  rules_.enrolment.Enroll(*std::move(enrolment), [this, reactor, response, edge = *edge_id](
                                                     absl::StatusOr<EnrolmentAnswer> answer) {
    reactor->Finish(ToEdgeStatus(AnswerEnrolment(edge, answer, *response)));
  });
  return reactor;
}

absl::Status EdgeService::AnswerEnrolment(const std::string& edge_id,
                                          const absl::StatusOr<EnrolmentAnswer>& answer,
                                          EnrollResponse& response) const {
  RETURN_IF_ERROR(answer.status());
  response.set_verdict(ToWire(answer->verdict));
  if (answer->verdict != internal::v1::ENROLL_VERDICT_OK) return absl::OkStatus();
  // Goes to the router through the edge, which forgets it.
  response.set_token(std::string(answer->token.Reveal()));
  ASSIGN_OR_RETURN(Secret key, rules_.membership.CheckKey(edge_id));
  // Made for this one answer: an enrolment is rare beside check-ins, and the stream's own cache
  // belongs to its session.
  SecretChecks checks(rules_.state, rules_.master, rules_.keys, rules_.clock, std::move(key));
  const std::optional<EdgeDevice> device = checks.Describe(answer->device);
  if (device.has_value()) muster::server::ToWire(*device, *response.mutable_record());
  return absl::OkStatus();
}

RawStream* EdgeService::Connect(grpc::CallbackServerContext* context) {
  // A stream that may not be opened is made too, and ends itself with why not: a handler of this
  // kind must return a reactor.
  return new EdgeStream(rules_.hub, ActiveEdge(*context), EndOfPeerCertificate(*context));
}

}  // namespace muster::server
