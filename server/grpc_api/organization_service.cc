// Tenants. Making and listing need no scope, since they are about organizations and not in one; a
// change does, and takes it like every other, so that an admin reaches just their own.
#include "server/grpc_api/organization_service.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/ordered_list.h"
#include "server/grpc_api/paging.h"

namespace muster::server {
namespace {

constexpr char kCreate[] = "muster.v1.OrganizationService/CreateOrganization";
constexpr char kList[] = "muster.v1.OrganizationService/ListOrganizations";
constexpr char kUpdate[] = "muster.v1.OrganizationService/UpdateOrganization";

absl::StatusOr<OrganizationEdit> ReadEdit(const v1::UpdateOrganizationRequest& request) {
  OrganizationEdit edit;
  // Only what the mask names is taken: a client that knows fewer fields than this server must not
  // clear the others by leaving them out.
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "display_name") {
      edit.display_name = request.organization().display_name();
    } else if (path == "fallback_code_page") {
      // A number that is no code page the registry refuses: it knows how many there are.
      edit.fallback_code_page = static_cast<uint32_t>(request.organization().fallback_code_page());
    } else {
      return BadField("update_mask",
                      absl::StrCat("\"", CleanText(path),
                                   "\" can't be changed; display_name and fallback_code_page can"));
    }
  }
  // An empty mask means "everything" in some APIs (AIP-134) and "nothing" in others; refused, it
  // can't be taken wrongly.
  if (request.update_mask().paths().empty()) {
    return BadField("update_mask", "is needed: display_name, fallback_code_page or both");
  }
  return edit;
}

}  // namespace

grpc::Status OrganizationGrpcService::CreateOrganization(
    grpc::ServerContext* context, const v1::CreateOrganizationRequest* request,
    v1::CreateOrganizationResponse* response) {
  return gate_.Run(*context, kCreate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const Organization organization,
                     organizations_.Create(call.caller(), call.audited(),
                                           request->organization_id(), request->display_name(),
                                           static_cast<uint32_t>(request->fallback_code_page())));
    *response->mutable_organization() = ToMessage(organization);
    return absl::OkStatus();
  });
}

grpc::Status OrganizationGrpcService::UpdateOrganization(
    grpc::ServerContext* context, const v1::UpdateOrganizationRequest* request,
    v1::UpdateOrganizationResponse* response) {
  return gate_.Run(*context, kUpdate, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string slug,
                     ParseOrganizationName("organization.name", request->organization().name()));
    // A name of another organization ends here as NotFound, before the role of an admin could help.
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    ASSIGN_OR_RETURN(const OrganizationEdit edit, ReadEdit(*request));
    ASSIGN_OR_RETURN(const Organization organization,
                     organizations_.Update(scope, call.audited(), edit));
    *response->mutable_organization() = ToMessage(organization);
    return absl::OkStatus();
  });
}

absl::Status OrganizationGrpcService::ListOrdered(const ApiCall& call, const Order& order,
                                                  const Page& page, const PageBinding& binding,
                                                  v1::ListOrganizationsResponse* response) const {
  std::string next;
  const auto rows = OrderedPage<Organization>(
      order, page,
      [&](const Organization* last, size_t limit) {
        // The caller decides what there is to list: all, or just their own.
        return organizations_.List(call.caller(), last == nullptr ? "" : last->slug, limit);
      },
      [](const Organization& row, const Order::Part& part, SortKey& key) {
        if (part.field == "organization_id") key.AddText(row.slug, part.descending);
        if (part.field == "display_name") key.AddText(row.display_name, part.descending);
        if (part.field == "create_time") key.AddNumber(row.create_time_us, part.descending);
      },
      [](const Organization& row) { return row.id.value; }, &next);
  for (const Organization& row : rows) *response->add_organizations() = ToMessage(row);
  if (!next.empty()) response->set_next_page_token(tokens_.Seal(binding, next));
  return absl::OkStatus();
}

grpc::Status OrganizationGrpcService::ListOrganizations(grpc::ServerContext* context,
                                                        const v1::ListOrganizationsRequest* request,
                                                        v1::ListOrganizationsResponse* response) {
  return gate_.Run(*context, kList, *request, [&](const ApiCall& call) -> absl::Status {
    ASSIGN_OR_RETURN(
        const Order order,
        ReadOrder(request->order_by(), {"organization_id", "display_name", "create_time"}));
    // A token of the platform's list is worth nothing to a tenant, whose list has another
    // organization.
    const PageBinding binding{kList, call.caller().organization().value, request->order_by()};
    ASSIGN_OR_RETURN(const Page page,
                     OpenPage(tokens_, binding, request->page_size(), request->page_token()));
    if (!order.empty()) return ListOrdered(call, order, page, binding, response);
    std::vector<Organization> rows = organizations_.List(call.caller(), page.cursor, page.size + 1);
    const bool more = rows.size() > page.size;
    if (more) rows.resize(page.size);
    for (const Organization& row : rows) *response->add_organizations() = ToMessage(row);
    if (more) response->set_next_page_token(tokens_.Seal(binding, rows.back().slug));
    return absl::OkStatus();
  });
}

}  // namespace muster::server
