// Tenants. The name in addresses is for ever; the name for people and the code page can be changed.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/organization_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::OrganizationService;

struct NamedPage {
  absl::string_view name;
  muster::v1::CodePage page;
};

// By hand and not from the enum's names: these are the names that iconv and people use.
constexpr NamedPage kCodePages[] = {
    {"none", muster::v1::CODE_PAGE_NONE},
    {"windows-1250", muster::v1::CODE_PAGE_WINDOWS_1250},
    {"windows-1251", muster::v1::CODE_PAGE_WINDOWS_1251},
    {"windows-1252", muster::v1::CODE_PAGE_WINDOWS_1252},
    {"windows-1253", muster::v1::CODE_PAGE_WINDOWS_1253},
    {"windows-1254", muster::v1::CODE_PAGE_WINDOWS_1254},
    {"windows-1255", muster::v1::CODE_PAGE_WINDOWS_1255},
    {"windows-1256", muster::v1::CODE_PAGE_WINDOWS_1256},
    {"windows-1257", muster::v1::CODE_PAGE_WINDOWS_1257},
    {"windows-1258", muster::v1::CODE_PAGE_WINDOWS_1258},
    {"gbk", muster::v1::CODE_PAGE_GBK},
    {"big5", muster::v1::CODE_PAGE_BIG5},
    {"shift-jis", muster::v1::CODE_PAGE_SHIFT_JIS},
    {"euc-kr", muster::v1::CODE_PAGE_EUC_KR},
    {"koi8-r", muster::v1::CODE_PAGE_KOI8_R},
    {"iso-8859-2", muster::v1::CODE_PAGE_ISO_8859_2},
    {"tis-620", muster::v1::CODE_PAGE_TIS_620},
};

// A newer server may know more of them.
std::string NameOf(muster::v1::CodePage page) {
  for (const NamedPage& named : kCodePages) {
    if (named.page == page) return std::string(named.name);
  }
  return absl::StrCat("code page ", static_cast<int>(page));
}

// UNSPECIFIED where the flag was not given.
// The server takes that for "none" when an organization is made, and leaves what there is when it
// is changed.
absl::StatusOr<muster::v1::CodePage> ReadCodePage(Session& session) {
  if (!session.Has("code-page")) return muster::v1::CODE_PAGE_UNSPECIFIED;
  const std::string wanted = session.Text("code-page");
  std::vector<absl::string_view> names;
  for (const NamedPage& named : kCodePages) {
    if (absl::EqualsIgnoreCase(named.name, wanted)) return named.page;
    names.push_back(named.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--code-page: \"", wanted, "\" is none of ", absl::StrJoin(names, ", ")));
}

// The same words for create and set.
const Flag kCodePageFlag = {"code-page", "NAME",
                            "how names that are no UTF-8 are read: windows-1250 to -1258, gbk, "
                            "big5, shift-jis, euc-kr, koi8-r, iso-8859-2, tis-620 or none"};

Report MakeReport(Session& session, const std::vector<muster::v1::Organization>& organizations) {
  Report report;
  Table table = {"", {{"ORGANIZATION"}, {"NAME", false, true}, {"CREATED"}, {"CODE PAGE", true}}};
  for (const auto& organization : organizations) {
    table.rows.push_back(
        {ShortName(organization.name()), organization.display_name(),
         TimeCell(organization.has_create_time(), organization.create_time(), session.now()),
         NameOf(organization.fallback_code_page())});
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
  ASSIGN_OR_RETURN(const muster::v1::CodePage page, ReadCodePage(session));
  request.set_fallback_code_page(page);
  muster::v1::CreateOrganizationResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->CreateOrganization(context, request, &response);
  }));
  const std::vector<muster::v1::Organization> organizations = {response.organization()};
  return session.Show(MakeReport(session, organizations));
}

Outcome Set(Session& session) {
  muster::v1::UpdateOrganizationRequest request;
  muster::v1::Organization* organization = request.mutable_organization();
  organization->set_name(absl::StrCat("organizations/", session.Text("ORGANIZATION")));
  // Empty clears it: what counts is that it was given.
  if (session.Has("display-name")) {
    organization->set_display_name(session.Text("display-name"));
    request.mutable_update_mask()->add_paths("display_name");
  }
  ASSIGN_OR_RETURN(const muster::v1::CodePage page, ReadCodePage(session));
  // Only what is named in the mask is changed.
  if (page != muster::v1::CODE_PAGE_UNSPECIFIED) {
    organization->set_fallback_code_page(page);
    request.mutable_update_mask()->add_paths("fallback_code_page");
  }
  if (request.update_mask().paths().empty()) {
    return absl::InvalidArgumentError("nothing to change; give --display-name or --code-page");
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = OrganizationService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::UpdateOrganizationResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->UpdateOrganization(context, request, &response);
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
  // A list even of one: scripts read an array.
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
  create.flags = {{"display-name", "TEXT", "its name for people"}, kCodePageFlag};
  create.examples = "  muster organization create acme --display-name 'Acme Ltd'";
  create.writes = true;
  create.run = Create;
  Command set;
  set.noun = "organization";
  set.verb = "set";
  set.summary = "Change an organization";
  set.positionals = {{"ORGANIZATION", "its name in addresses"}};
  set.flags = create.flags;
  set.examples = "  muster organization set acme --code-page windows-1251";
  set.writes = true;
  set.run = Set;
  Command list;
  list.noun = "organization";
  list.verb = "list";
  list.summary = "List the organizations that the key may see";
  list.examples = "  muster organization list\n  muster organization list -o name";
  list.run = List;
  return {create, set, list};
}

}  // namespace muster::cli
