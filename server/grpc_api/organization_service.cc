#include "server/grpc_api/organization_service.h"

#include "common/status/status_macros.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/paging.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.OrganizationService/CreateOrganization";
constexpr char kList[] = "muster.v1.OrganizationService/ListOrganizations";

}  // namespace

grpc::Status OrganizationGrpcService::CreateOrganization(
    grpc::ServerContext* context, const v1::CreateOrganizationRequest* request,
    v1::CreateOrganizationResponse* response) {
  return gate_.Run(*context, kCreate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const Organization organization,
                     organizations_.Create(call.caller(), call.audited(),
                                           request->organization_id(), request->display_name()));
    *response->mutable_organization() = ToMessage(organization);
    return absl::OkStatus();
  });
}

grpc::Status OrganizationGrpcService::ListOrganizations(grpc::ServerContext* context,
                                                        const v1::ListOrganizationsRequest* request,
                                                        v1::ListOrganizationsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    const PageBinding binding{kList, call.caller().organization().value, ""};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    std::vector<Organization> rows = organizations_.List(call.caller(), page.cursor, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Organization& row : rows) *response->add_organizations() = ToMessage(row);
    if (more) response->set_next_page_token(tokens_.Seal(binding, rows.back().slug));
    return absl::OkStatus();
  });
}

}  // namespace muster::server
