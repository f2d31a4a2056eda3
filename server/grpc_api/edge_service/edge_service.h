// muster.edge.v1.EdgeService: converts, checks who calls, and hands over to the rules.
//
// Threads:  gRPC's callback threads; no handler blocks on a command.
// Owns:     nothing; what it is given must outlive the server.
// Errors:   those of EdgeMembership, ClaimBook, Enrolment and EdgeSession.
// Example:  tests/edges/edge_service_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include "muster/edge/v1/edge_service.grpc.pb.h"
#include "server/claims/claim_book.h"
#include "server/claims/enrolment.h"
#include "server/command_log/log/second_look.h"
#include "server/edges/edge_hub.h"
#include "server/edges/edge_membership.h"
#include "server/grpc_api/edge_service/edge_stream.h"

namespace muster::server {

// What the handlers call; must outlive them.
struct EdgeRules {
  EdgeHub& hub;
  EdgeMembership& membership;
  ClaimBook& claims;
  Enrolment& enrolment;
  // For claims and edges that were made at another node a moment ago.
  SecondLook& look;
  const State& state;
  const Secret& master;
  const ClusterKeys& keys;
  const Clock& clock;
  // 16 bytes.
  std::string cluster_id;
};

// Connect moves raw bytes; the unary calls are ordinary.
// An edge sends and gets messages for as long as it lives, so the stream is a reactor; the unary
// calls are too, since they end when the log has applied a command and no thread of gRPC's shall
// wait for that.
using EdgeServiceBase =
    edge::v1::EdgeService::WithCallbackMethod_Join<edge::v1::EdgeService::WithCallbackMethod_Renew<
        edge::v1::EdgeService::WithCallbackMethod_CheckClaim<
            edge::v1::EdgeService::WithCallbackMethod_Enroll<
                edge::v1::EdgeService::WithRawCallbackMethod_Connect<
                    edge::v1::EdgeService::Service>>>>>;

class EdgeService final : public EdgeServiceBase {
 public:
  explicit EdgeService(const EdgeRules& rules) : rules_(rules) {}

  // Changes the token of a join file into certificates; the only call that a certificate of the
  // role join may make. The same token and requests again within 10 minutes give certificates
  // again, since the first answer may have been lost.
  grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context,
                                 const edge::v1::JoinRequest* request,
                                 edge::v1::JoinResponse* response) override;
  // Gives the calling edge new certificates before the old ones end.
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const edge::v1::RenewRequest* request,
                                  edge::v1::RenewResponse* response) override;
  // Says whether a claim would be taken now and how its installer is to be rendered; uses nothing
  // up. A claim that won't do is a verdict and not an error: the edge has words for the router.
  grpc::ServerUnaryReactor* CheckClaim(grpc::CallbackServerContext* context,
                                       const edge::v1::CheckClaimRequest* request,
                                       edge::v1::CheckClaimResponse* response) override;
  // Makes a device, or finds the one that this claim and nonce, or this token, made before: a
  // router that repeats a lost call gets the same identity.
  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const edge::v1::EnrollRequest* request,
                                   edge::v1::EnrollResponse* response) override;
  // Takes the stream of an edge; see edge_stream.h.
  RawStream* Connect(grpc::CallbackServerContext* context) override;

 private:
  // What Join does once this node knows the edge, or can't.
  void JoinKnown(const std::string& edge_id, const edge::v1::JoinRequest& request,
                 edge::v1::JoinResponse& response, grpc::ServerUnaryReactor& reactor);
  // The edge that calls, if it has joined and was not revoked.
  absl::StatusOr<std::string> ActiveEdge(const grpc::CallbackServerContext& context) const;
  // Fills in token and device record, so that the edge can serve the router's first beat before the
  // log's news of the device reaches it on its stream.
  absl::Status AnswerEnrolment(const std::string& edge_id,
                               const absl::StatusOr<EnrolmentAnswer>& answer,
                               edge::v1::EnrollResponse& response) const;

  const EdgeRules rules_;
};

}  // namespace muster::server
