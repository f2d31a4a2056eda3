#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/organization_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::OrganizationService;

Report MakeReport(Session& session, const std::vector<muster::v1::Organization>& organizations) {
  Report report;
  Table table = {"", {{"ORGANIZATION"}, {"NAME", false, true}, {"CREATED"}}};
  for (const auto& organization : organizations) {
    table.rows.push_back(
        {ShortName(organization.name()), organization.display_name(),
         TimeCell(organization.has_create_time(), organization.create_time(), session.now())});
    report.names.push_back(organization.name());
    report.messages.push_back(&organization);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Outcome Create(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = OrganizationService::NewStub(connection->channel());
  muster::v1::CreateOrganizationRequest request;
  request.set_organization_id(session.Text("ORGANIZATION"));
  request.set_display_name(session.Text("display-name"));
  request.set_request_id(connection->request_id());
  muster::v1::CreateOrganizationResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CreateOrganization(context, request, &response);
  }));
  const std::vector<muster::v1::Organization> organizations = {response.organization()};
  return session.Show(MakeReport(session, organizations));
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = OrganizationService::NewStub(connection->channel());
  std::vector<muster::v1::Organization> organizations;
  muster::v1::ListOrganizationsRequest request;
  request.set_page_size(1000);
  do {
    muster::v1::ListOrganizationsResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListOrganizations(context, request, &response);
    }));
    organizations.insert(organizations.end(), response.organizations().begin(),
                         response.organizations().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  Report report = MakeReport(session, organizations);
  report.is_list = true;
  return session.Show(report);
}

}  // namespace

std::vector<Command> OrganizationCommands() {
  Command create;
  create.noun = "organization";
  create.verb = "create";
  create.summary = "Create an organization (a tenant)";
  create.positionals = {{"ORGANIZATION", "its name in addresses: 2 to 32 of a-z, 0-9 and -"}};
  create.flags = {{"display-name", "TEXT", "its name for people"}};
  create.examples = "  muster organization create acme --display-name 'Acme Ltd'";
  create.writes = true;
  create.run = Create;
  Command list;
  list.noun = "organization";
  list.verb = "list";
  list.summary = "List the organizations that the key may see";
  list.examples = "  muster organization list\n  muster organization list -o name";
  list.run = List;
  return {create, list};
}

}  // namespace muster::cli
