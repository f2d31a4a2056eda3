#include "server/grpc_api/audit_service.h"

#include <map>

#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/paging.h"

namespace muster::server {
namespace {

constexpr char kList[] = "muster.v1.AuditService/ListAuditEntries";

}  // namespace

absl::Status AuditGrpcService::List(const ApiCall& call, const v1::ListAuditEntriesRequest& request,
                                    v1::ListAuditEntriesResponse* response) const {
  OrganizationId organization;
  if (!request.parent().empty()) {
    ASSIGN_OR_RETURN(const std::string slug, ParseOrganizationName("parent", request.parent()));
    ASSIGN_OR_RETURN(const OrganizationScope scope, call.Enter(slug));
    organization = scope.id();
  } else if (!call.caller().is_platform()) {
    return RoleTooLow("reading the audit of all organizations", "platform");
  }
  const PageBinding binding{kList, organization.value, call.caller().principal()};
  ASSIGN_OR_RETURN(const Page page,
                   OpenPage(tokens_, binding, request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(const uint64_t before, IdOfCursor(page.cursor));
  std::vector<AuditEntry> rows = state_.ListAudit(organization, before, page.size + 1);
  const bool more = rows.size() > page.size;
  if (more) rows.resize(page.size);
  const std::string log_id = state_.LogId();
  std::map<uint64_t, std::string> slugs;
  for (const AuditEntry& row : rows) {
    std::string& slug = slugs[row.organization.value];
    if (row.organization && slug.empty()) {
      const auto found = state_.FindOrganization(row.organization);
      if (found.has_value()) slug = found->slug;
    }
    *response->add_entries() = ToMessage(row, log_id, slug);
  }
  if (more) response->set_next_page_token(tokens_.Seal(binding, IdCursor(rows.back().sequence)));
  return absl::OkStatus();
}

grpc::Status AuditGrpcService::ListAuditEntries(grpc::ServerContext* context,
                                                const v1::ListAuditEntriesRequest* request,
                                                v1::ListAuditEntriesResponse* response) {
  return gate_.Run(*context, kList, *request,
                   [&](const ApiCall& call) { return List(call, *request, response); });
}

}  // namespace muster::server
