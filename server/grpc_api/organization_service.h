// muster.v1.OrganizationService.
//
// Makes, shows and changes tenants. A key of one organization may list too, and sees just its own:
// so that a client can find out where it is.
//
// Threads:  gRPC's handler threads, many at once.
// Owns:     nothing; what it is given must outlive the gRPC server.
// Blocks:   a change waits until it is applied.
// Errors:   as OrganizationRegistry; what the gate refuses (gate.h).
// Example:  tests/api/administration_service_test.cc.
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

  // Makes a tenant without keys; the first is made with CreateApiKey by the role platform.
  grpc::Status CreateOrganization(grpc::ServerContext* context,
                                  const v1::CreateOrganizationRequest* request,
                                  v1::CreateOrganizationResponse* response) override;
  // Lists all of them for the role platform, else the caller's own.
  grpc::Status ListOrganizations(grpc::ServerContext* context,
                                 const v1::ListOrganizationsRequest* request,
                                 v1::ListOrganizationsResponse* response) override;
  // Changes what the update mask names. The slug never changes: it stands in every resource name.
  grpc::Status UpdateOrganization(grpc::ServerContext* context,
                                  const v1::UpdateOrganizationRequest* request,
                                  v1::UpdateOrganizationResponse* response) override;

 private:
  // The list in the order that the request asks for (ordered_list.h).
  absl::Status ListOrdered(const ApiCall& call, const Order& order, const Page& page,
                           const PageBinding& binding,
                           v1::ListOrganizationsResponse* response) const;

  const Gate& gate_;
  const PageTokens& tokens_;
  OrganizationRegistry& organizations_;
};

}  // namespace muster::server
