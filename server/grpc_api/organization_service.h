// muster.v1.OrganizationService.
#pragma once

#include "muster/v1/organization_service.grpc.pb.h"
#include "server/access/page_tokens/page_tokens.h"
#include "server/administration/organization_registry.h"
#include "server/filter/order.h"
#include "server/grpc_api/gate.h"
#include "server/grpc_api/paging.h"

namespace muster::server {

class OrganizationGrpcService final : public v1::OrganizationService::Service {
 public:
  OrganizationGrpcService(const Gate& gate, const PageTokens& tokens,
                          OrganizationRegistry& organizations)
      : gate_(gate), tokens_(tokens), organizations_(organizations) {}

  grpc::Status CreateOrganization(grpc::ServerContext* context,
                                  const v1::CreateOrganizationRequest* request,
                                  v1::CreateOrganizationResponse* response) override;
  grpc::Status ListOrganizations(grpc::ServerContext* context,
                                 const v1::ListOrganizationsRequest* request,
                                 v1::ListOrganizationsResponse* response) override;
  grpc::Status UpdateOrganization(grpc::ServerContext* context,
                                  const v1::UpdateOrganizationRequest* request,
                                  v1::UpdateOrganizationResponse* response) override;

 private:
  absl::Status ListOrdered(const ApiCall& call, const Order& order, const Page& page,
                           const PageBinding& binding,
                           v1::ListOrganizationsResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  OrganizationRegistry& organizations_;
};

}  // namespace muster::server
