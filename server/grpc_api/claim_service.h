// muster.v1.ClaimService.
//
// Makes the line that lets routers join. The edge whose URL stands in it is chosen here, since a
// claim itself names no edge: what a router calls is text in the line, what the agent turns to
// later comes along in the claim's URLs.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied.
// Errors:   as ClaimBook and EdgeRegistry::ChooseForClaim; what the gate refuses (gate.h).
// Example:  tests/api/administration_service_test.cc, device_identity_service_test.cc.
#pragma once

#include <string>

#include "muster/v1/claim_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/administration/edge_registry.h"
#include "server/claims/claim_book.h"
#include "server/devices/device_directory.h"
#include "server/filter/order.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/paging.h"
#include "server/pki/certificate_issuer.h"

namespace muster::server {

class ClaimGrpcService final : public v1::ClaimService::Service {
 public:
  ClaimGrpcService(const Gate& gate, const PageTokens& tokens, ClaimBook& claims,
                   const DeviceDirectory& devices, const EdgeRegistry& edges,
                   const CertificateIssuer& issuer, const State& state)
      : gate_(gate),
        tokens_(tokens),
        claims_(claims),
        devices_(devices),
        edges_(edges),
        issuer_(issuer),
        state_(state) {}

  // Makes a claim and answers the line to paste, the only time that it can be read; a repetition
  // under the same request id gives the same claim. With validate_only nothing is made, and the
  // answer says what the line would change on a router.
  grpc::Status CreateClaim(grpc::ServerContext* context, const v1::CreateClaimRequest* request,
                           v1::CreateClaimResponse* response) override;
  // Lists claims, used up and expired ones too; never their text.
  grpc::Status ListClaims(grpc::ServerContext* context, const v1::ListClaimsRequest* request,
                          v1::ListClaimsResponse* response) override;
  // Lets no further router join by it; those that did stay. Aborted where a router used it since
  // the etag was read.
  grpc::Status DeleteClaim(grpc::ServerContext* context, const v1::DeleteClaimRequest* request,
                           v1::DeleteClaimResponse* response) override;

 private:
  // What the request says of the devices that join by the claim.
  absl::StatusOr<ClaimTerms> ReadTerms(const OrganizationScope& scope,
                                       const v1::CreateClaimRequest& request) const;
  // Adds a preview for each family of RouterOS versions: which of them will paste the line is not
  // known before.
  absl::Status Preview(const ClaimTerms& terms, const std::string& url,
                       v1::CreateClaimResponse* response) const;
  // The list in the order that the request asks for (ordered_list.h).
  absl::Status ListOrdered(const OrganizationScope& scope, const Order& order, const Page& page,
                           const PageBinding& binding, v1::ListClaimsResponse* response) const;

  // The body of CreateClaim, behind the gate.
  absl::Status Create(const ApiCall& call, const v1::CreateClaimRequest& request,
                      v1::CreateClaimResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  ClaimBook& claims_;
  const DeviceDirectory& devices_;
  const EdgeRegistry& edges_;
  const CertificateIssuer& issuer_;
  const State& state_;
};

}  // namespace muster::server
