#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "cli/output/values.h"
#include "common/status/status_macros.h"
#include "muster/v1/router_root_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::RouterRoot;
using muster::v1::RouterRootService;

Cell StateCell(const RouterRoot& root) {
  Cell cell(EnumWord(muster::v1::RouterRootState_Name(root.state()), "ROUTER_ROOT_STATE_"));
  if (root.state() == muster::v1::ROUTER_ROOT_STATE_ACTIVE) cell.tone = Tone::kGood;
  return cell;
}

Report MakeReport(Session& session, const std::vector<RouterRoot>& roots) {
  Report report;
  Table table = {"",
                 {{"ROOT"},
                  {"STATE"},
                  {"TRUSTING", false, false, true},
                  {"LACKING", false, false, true},
                  {"EDGES", false, false, true},
                  {"SHA-256", false, true},
                  {"CREATED", true},
                  {"EXPIRES", true}},
                 {}};
  for (const RouterRoot& root : roots) {
    table.rows.push_back({ShortName(root.name()), StateCell(root),
                          absl::StrCat(root.trusting_count()), absl::StrCat(root.lacking_count()),
                          absl::StrCat(root.serving_edges_size()), root.sha256().substr(0, 16),
                          TimeCell(root.has_create_time(), root.create_time(), session.now()),
                          TimeCell(root.has_expire_time(), root.expire_time(), session.now())});
    report.names.push_back(root.name());
    report.messages.push_back(&root);
  }
  report.tables.push_back(std::move(table));
  return report;
}

template <typename Request, typename Response>
absl::StatusOr<Response> CallRoots(Session& session, CallKind kind, const Request& request,
                                   grpc::Status (RouterRootService::Stub::*method)(
                                       grpc::ClientContext*, const Request&, Response*)) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = RouterRootService::NewStub(connection->channel());
  Response response;
  RETURN_IF_ERROR(connection->Call(kind, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &response);
  }));
  return response;
}

// Routers that don't hold it yet, while there is something to do about them.
void SayWhoLacks(Session& session, const RouterRoot& root) {
  if (root.state() == muster::v1::ROUTER_ROOT_STATE_RETIRED || root.lacking_count() == 0) return;
  std::string names;
  for (const std::string& device : root.lacking_devices()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", ShortName(device));
  }
  session.Note(absl::StrCat("root ", ShortName(root.name()), ": ", root.lacking_count(),
                            " devices don't trust it: ", names,
                            root.lacking_count() > root.lacking_devices_size() ? ", ..." : "",
                            "; muster agent upgrade brings it to them"));
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto response,
                   CallRoots(session, CallKind::kRead, muster::v1::ListRouterRootsRequest(),
                             &RouterRootService::Stub::ListRouterRoots));
  const std::vector<RouterRoot> roots(response.router_roots().begin(),
                                      response.router_roots().end());
  for (const RouterRoot& root : roots) SayWhoLacks(session, root);
  Report report = MakeReport(session, roots);
  report.is_list = true;
  return session.Show(report);
}

Outcome Create(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  muster::v1::CreateRouterRootRequest request;
  request.set_request_id(connection->request_id());
  ASSIGN_OR_RETURN(const auto response, CallRoots(session, CallKind::kWrite, request,
                                                  &RouterRootService::Stub::CreateRouterRoot));
  const std::vector<RouterRoot> roots = {response.router_root()};
  session.Note(
      absl::StrCat("next: muster agent upgrade --wait, until muster root list shows none "
                   "that lack it; then muster root activate ",
                   ShortName(roots[0].name())));
  return session.Show(MakeReport(session, roots));
}

// Activate and retire: the same terms, other calls.
template <typename Request, typename Response>
Outcome Change(Session& session, absl::string_view what,
               grpc::Status (RouterRootService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Response*)) {
  ASSIGN_OR_RETURN(const std::string name, TopLevelName("routerRoots", session.Text("ROOT")));
  ASSIGN_OR_RETURN(const auto cut_off, session.Number("cut-off", 0, 1'000'000'000));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  Request request;
  request.set_name(name);
  request.set_accept_cut_off_count(static_cast<int32_t>(cut_off.value_or(0)));
  request.set_validate_only(true);
  RETURN_IF_ERROR(CallRoots(session, CallKind::kRead, request, method).status());
  RETURN_IF_ERROR(session.Confirm(2, absl::StrCat(what, " root ", ShortName(name), ".")));
  request.set_validate_only(false);
  request.set_request_id(connection->request_id());
  ASSIGN_OR_RETURN(const auto response, CallRoots(session, CallKind::kWrite, request, method));
  const std::vector<RouterRoot> roots = {response.router_root()};
  return session.Show(MakeReport(session, roots));
}

Outcome Activate(Session& session) {
  return Change(session, "From now on all edges will show routers certificates that end in",
                &RouterRootService::Stub::ActivateRouterRoot);
}

Outcome Retire(Session& session) {
  return Change(session, "This will destroy for good the key of",
                &RouterRootService::Stub::RetireRouterRoot);
}

Command ChangeCommand(const char* verb, const char* summary, const char* examples,
                      Outcome (*run)(Session&)) {
  Command command;
  command.noun = "root";
  command.verb = verb;
  command.summary = summary;
  command.positionals = {{"ROOT", "number from: muster root list"}};
  command.flags = {{"cut-off", "N",
                    "accept that N devices fall silent until a new line is pasted "
                    "into each of them [0]"},
                   {"yes", "", "don't ask"}};
  command.examples = examples;
  command.writes = true;
  command.run = run;
  return command;
}

}  // namespace

std::vector<Command> RootCommands() {
  Command list;
  list.noun = "root";
  list.verb = "list";
  list.summary = "List the roots that routers trust, and who doesn't trust them yet";
  list.examples = "  muster root list";
  list.run = List;
  Command create;
  create.noun = "root";
  create.verb = "create";
  create.summary = "Make a new root for routers, to be trusted beside the active one";
  create.examples = "  muster root create";
  create.writes = true;
  create.run = Create;
  return {list, create,
          ChangeCommand("activate", "Let edges show certificates of this root from now on",
                        "  muster root activate 2", Activate),
          ChangeCommand("retire", "Trust a root no longer and destroy its key",
                        "  muster root retire 1", Retire)};
}

}  // namespace muster::cli
