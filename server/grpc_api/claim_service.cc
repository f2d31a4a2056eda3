#include "server/grpc_api/claim_service.h"

#include "common/status/status_macros.h"
#include "routeros/script/agent.h"
#include "server/access/resource_names.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/paging.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.ClaimService/CreateClaim";
constexpr char kList[] = "muster.v1.ClaimService/ListClaims";
constexpr char kDelete[] = "muster.v1.ClaimService/DeleteClaim";

}  // namespace

absl::Status ClaimGrpcService::Create(const ApiCall& call, const v1::CreateClaimRequest& request,
                                      v1::CreateClaimResponse* response) const {
  ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request.parent()));
  ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
  std::string edge_id;
  if (!request.edge().empty()) {
    ASSIGN_OR_RETURN(edge_id, ParseEdgeName("edge", request.edge()));
  }
  ASSIGN_OR_RETURN(const Edge edge, edges_.ChooseForClaim(edge_id));
  ClaimTerms terms;
  terms.site = request.site();
  terms.labels = {request.labels().begin(), request.labels().end()};
  terms.max_devices = request.max_devices();
  ASSIGN_OR_RETURN(terms.ttl, ReadDuration("ttl", request.ttl()));
  terms.allowed_source = request.allowed_source();
  ASSIGN_OR_RETURN(const CreatedClaim created, claims_.Create(scope, call.audited(), terms));
  ASSIGN_OR_RETURN(std::string line,
                   routeros::RenderBootstrapLine(
                       {edge.public_url, root_sha256_, std::string(created.text.Reveal())}));
  *response->mutable_claim() = ToMessage(created.claim, scope.slug());
  response->set_bootstrap_line(std::move(line));
  return absl::OkStatus();
}

grpc::Status ClaimGrpcService::CreateClaim(grpc::ServerContext* context,
                                           const v1::CreateClaimRequest* request,
                                           v1::CreateClaimResponse* response) {
  return gate_.Run(*context, kCreate, *request,
                   [&](const ApiCall& call) { return Create(call, *request, response); });
}

grpc::Status ClaimGrpcService::ListClaims(grpc::ServerContext* context,
                                          const v1::ListClaimsRequest* request,
                                          v1::ListClaimsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request->parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    const PageBinding binding{kList, scope.id().value, ""};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    ASSIGN_OR_RETURN(const uint64_t after, IdOfCursor(page.cursor));
    std::vector<Claim> rows = claims_.List(scope, ClaimId{after}, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Claim& row : rows) *response->add_claims() = ToMessage(row, scope.slug());
    if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().id.value)));
    return absl::OkStatus();
  });
}

grpc::Status ClaimGrpcService::DeleteClaim(grpc::ServerContext* context,
                                           const v1::DeleteClaimRequest* request,
                                           v1::DeleteClaimResponse* response) {
  return gate_.Run(*context, kDelete, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const ChildName name, ParseChildName("name", request->name(), "claims"));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(name.organization));
    return claims_.Delete(scope, call.audited(), ClaimId{name.id});
  });
}

}  // namespace muster::server
