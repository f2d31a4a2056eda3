// Maintenance windows. Times and zone go to the server as they are typed: it has the time zones,
// and its errors name what it could not read.
#include "absl/strings/str_cat.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/window_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::MaintenanceWindow;
using muster::v1::WindowService;

absl::StatusOr<std::string> FullName(Session& session) {
  ASSIGN_OR_RETURN(const std::string organization, session.OrganizationName());
  return absl::StrCat(organization, "/windows/", ShortName(session.Text("NAME")));
}

Report WindowListReport(const std::vector<MaintenanceWindow>& windows) {
  Report report;
  report.is_list = true;
  Table table = {
      "",
      {{"WINDOW"}, {"FOR", false, true}, {"TIMES", false, true}, {"ZONE"}, {"STATE"}, {"UNTIL"}},
      {}};
  for (const MaintenanceWindow& window : windows) {
    // Exactly one of the three is there; the server sees to it.
    const std::string aim = !window.device().empty()
                                ? absl::StrCat("device ", ShortName(window.device()))
                            : !window.site().empty() ? absl::StrCat("site ", window.site())
                                                     : absl::StrCat("label ", window.label());
    table.rows.push_back({ShortName(window.name()), aim, window.times(), window.time_zone(),
                          window.open() ? Cell("open") : Cell("closed"), window.next_change()});
    report.names.push_back(window.name());
    report.messages.push_back(&window);
  }
  report.tables.push_back(std::move(table));
  return report;
}

Outcome Set(Session& session) {
  const int aims =
      int{session.Has("device")} + int{session.Has("site")} + int{session.Has("label")};
  // Said here with the flags' names; the server would name fields.
  if (aims != 1) {
    return absl::InvalidArgumentError("give exactly one of --device, --site and --label");
  }
  muster::v1::SetWindowRequest request;
  MaintenanceWindow& window = *request.mutable_window();
  ASSIGN_OR_RETURN(*window.mutable_name(), FullName(session));
  // A device may be named as everywhere; site and label are text that devices have or will have.
  if (session.Has("device")) {
    ASSIGN_OR_RETURN(*window.mutable_device(), FindDevice(session, session.Text("device")));
  }
  window.set_site(session.Text("site"));
  window.set_label(session.Text("label"));
  // Whole, each time: set replaces a window and does not add to it.
  window.set_times(session.Text("times"));
  window.set_time_zone(session.Text("zone"));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = WindowService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::SetWindowResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->SetWindow(context, request, &response);
  }));
  const std::vector<MaintenanceWindow> windows = {response.window()};
  // With whether it is open now: the quickest check that zone and times say what was meant.
  Report report = WindowListReport(windows);
  report.is_list = false;
  return session.Show(report);
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = WindowService::NewStub(connection->channel());
  muster::v1::ListWindowsRequest request;
  // No pages: an organization has at most 500.
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  muster::v1::ListWindowsResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->ListWindows(context, request, &response);
  }));
  const std::vector<MaintenanceWindow> windows(response.windows().begin(),
                                               response.windows().end());
  return session.Show(WindowListReport(windows));
}

Outcome Delete(Session& session) {
  muster::v1::DeleteWindowRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), FullName(session));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = WindowService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::DeleteWindowResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->DeleteWindow(context, request, &response);
  }));
  // Less protection than before, so it is said in words.
  session.Note(absl::StrCat("deleted window ", ShortName(request.name()),
                            "; devices without another one start jobs at any time"));
  return ExitCode::kDone;
}

}  // namespace

std::vector<Command> WindowCommands() {
  Command set;
  set.noun = "window";
  set.verb = "set";
  set.summary = "Let jobs start on some devices only at weekly times, or change these";
  set.positionals = {{"NAME", "small letters, digits and -"}};
  set.flags = {{"device", "DEVICE", "for this device"},
               {"site", "SITE", "for all devices of a site"},
               {"label", "KEY=VALUE", "for all devices with a label"},
               {"times", "TIMES", "like: mon-fri 22:00-04:00, sat+sun 00:00-24:00", true},
               {"zone", "ZONE", "time zone, like Europe/Riga or UTC", true}};
  set.examples =
      "  muster window set riga-nights --site riga --times 'mon-fri 22:00-04:00' "
      "--zone Europe/Riga\n"
      "  muster window set core --label role=core --times 'sun 02:00-05:00' --zone UTC";
  set.writes = true;
  set.run = Set;
  Command list;
  list.noun = "window";
  list.verb = "list";
  list.summary = "List maintenance windows";
  list.examples = "  muster window list";
  list.run = List;
  Command remove;
  remove.noun = "window";
  remove.verb = "delete";
  remove.summary = "Delete a maintenance window";
  remove.positionals = {{"NAME", "name from: muster window list"}};
  remove.examples = "  muster window delete riga-nights";
  remove.writes = true;
  remove.run = Delete;
  return {set, list, remove};
}

}  // namespace muster::cli
