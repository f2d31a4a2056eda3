// muster.v1.ClaimService.
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

namespace muster::server {

class ClaimGrpcService final : public v1::ClaimService::Service {
 public:
  // `root_sha256` is the fingerprint of the router root, lower-case hex.
  ClaimGrpcService(const Gate& gate, const PageTokens& tokens, ClaimBook& claims,
                   const DeviceDirectory& devices, const EdgeRegistry& edges,
                   std::string root_sha256)
      : gate_(gate),
        tokens_(tokens),
        claims_(claims),
        devices_(devices),
        edges_(edges),
        root_sha256_(std::move(root_sha256)) {}

  grpc::Status CreateClaim(grpc::ServerContext* context, const v1::CreateClaimRequest* request,
                           v1::CreateClaimResponse* response) override;
  grpc::Status ListClaims(grpc::ServerContext* context, const v1::ListClaimsRequest* request,
                          v1::ListClaimsResponse* response) override;
  grpc::Status DeleteClaim(grpc::ServerContext* context, const v1::DeleteClaimRequest* request,
                           v1::DeleteClaimResponse* response) override;

 private:
  // What the request says of the devices that join by the claim.
  absl::StatusOr<ClaimTerms> ReadTerms(const OrganizationScope& scope,
                                       const v1::CreateClaimRequest& request) const;
  absl::Status Preview(const ClaimTerms& terms, const std::string& url,
                       v1::CreateClaimResponse* response) const;
  absl::Status ListOrdered(const OrganizationScope& scope, const Order& order, const Page& page,
                           const PageBinding& binding, v1::ListClaimsResponse* response) const;

  absl::Status Create(const ApiCall& call, const v1::CreateClaimRequest& request,
                      v1::CreateClaimResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  ClaimBook& claims_;
  const DeviceDirectory& devices_;
  const EdgeRegistry& edges_;
  const std::string root_sha256_;
};

}  // namespace muster::server
