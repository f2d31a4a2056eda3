#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/commands/device_report.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using muster::v1::DeviceService;

constexpr int64_t kDefaultLimit = 1000;

Outcome Get(Session& session) {
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  muster::v1::GetDeviceRequest request;
  request.set_name(name);
  muster::v1::GetDeviceResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetDevice(context, request, &response);
  }));
  return session.Show(DeviceDetailReport(response.device(), session.now()));
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto given_limit, session.Number("limit", 0, 100'000'000));
  const auto limit = static_cast<size_t>(given_limit.value_or(kDefaultLimit));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  std::vector<Device> devices;
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(session.Text("where"));
  request.set_show_deleted(session.Switch("deleted"));
  request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<size_t>(limit, 1000)));
  int64_t total = 0;
  do {
    muster::v1::ListDevicesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListDevices(context, request, &response);
    }));
    devices.insert(devices.end(), response.devices().begin(), response.devices().end());
    total = response.total_size();
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && (limit == 0 || devices.size() < limit));
  if (limit > 0 && devices.size() > limit) devices.resize(limit);
  if (!request.page_token().empty()) {
    session.Note(absl::StrCat("the first ", devices.size(), " of ", total,
                              " devices; --limit 0 shows all, --where fewer"));
  } else if (devices.empty() && session.console().err_is_terminal) {
    session.Note(session.Has("where") ? "no device matches"
                                      : "no devices yet; see: muster claim create --help");
  }
  return session.Show(DeviceListReport(devices, session.now()));
}

// What is to be changed, as device fields and their mask. InvalidArgument where that is nothing.
absl::Status FillChange(Session& session, muster::v1::UpdateDeviceRequest* request) {
  Device* device = request->mutable_device();
  auto* paths = request->mutable_update_mask();
  if (session.Has("name")) {
    device->set_display_name(session.Text("name"));
    paths->add_paths("display_name");
  }
  if (session.Has("notes")) {
    device->set_notes(session.Text("notes"));
    paths->add_paths("notes");
  }
  if (session.Has("site")) {
    device->set_site(session.Text("site"));
    paths->add_paths("site");
  }
  ASSIGN_OR_RETURN(const auto labels, session.Labels("label"));
  for (const auto& [key, value] : labels) {
    (*device->mutable_labels())[key] = value;
    paths->add_paths(absl::StrCat("labels.", key));
  }
  for (const std::string& key : session.List("remove-label")) {
    if (labels.contains(key)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--remove-label: the label \"", key, "\" is also given with --label"));
    }
    paths->add_paths(absl::StrCat("labels.", key));
  }
  if (paths->paths().empty()) {
    return absl::InvalidArgumentError(
        "nothing to change; give --name, --notes, --site, --label or --remove-label");
  }
  return absl::OkStatus();
}

Outcome Set(Session& session) {
  muster::v1::UpdateDeviceRequest request;
  RETURN_IF_ERROR(FillChange(session, &request));
  ASSIGN_OR_RETURN(*request.mutable_device()->mutable_name(),
                   FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  muster::v1::UpdateDeviceResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->UpdateDevice(context, request, &response);
  }));
  return session.Show(DeviceSettingsReport(response.device()));
}

Outcome Delete(Session& session) {
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  if (session.console().in_is_terminal) {
    RETURN_IF_ERROR(session.Ask(absl::StrCat("This will delete device ", session.Text("DEVICE"),
                                             " (", ShortName(name), ") for good.")));
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  muster::v1::DeleteDeviceRequest request;
  request.set_name(name);
  request.set_request_id(connection->request_id());
  muster::v1::DeleteDeviceResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->DeleteDevice(context, request, &response);
  }));
  session.Note(
      absl::StrCat("deleted device ", ShortName(name),
                   "; its token is refused from now on, a new claim lets the router join again"));
  if (session.format() == Format::kTable || session.format() == Format::kWide)
    return ExitCode::kDone;
  return session.Show(DeviceDetailReport(response.device(), session.now()));
}

Command ListCommand() {
  Command list;
  list.noun = "device";
  list.verb = "list";
  list.summary = "List devices with their state and health";
  list.flags = {{"where", "FILTER", "only those that match; docs/filter.md has the language"},
                {"limit", "N", "show at most so many, 0: all [1000]"},
                {"deleted", "", "deleted devices too"}};
  list.examples =
      "  muster device list\n"
      "  muster device list --where 'online = true AND version < 7.16'\n"
      "  muster device list --where 'labels.role = \"branch\" AND cpu > 80' -o wide\n"
      "  muster device list -o csv > devices.csv";
  list.run = List;
  return list;
}

Command SetCommand() {
  Command set;
  set.noun = "device";
  set.verb = "set";
  set.summary = "Change a device's name, notes, site or labels";
  set.positionals = {{"DEVICE", "id, display name or identity"}};
  set.flags = {{"name", "TEXT", "display name; '' clears it"},
               {"notes", "TEXT", "notes; '' clears them"},
               {"site", "SITE", "site; '' clears it"},
               {"label", "KEY=VALUE", "set a label", false, true},
               {"remove-label", "KEY", "remove a label", false, true}};
  set.examples =
      "  muster device set MikroTik-7 --name riga-core --site riga\n"
      "  muster device set riga-core --label role=core --remove-label new";
  set.writes = true;
  set.run = Set;
  return set;
}

}  // namespace

std::vector<Command> DeviceCommands() {
  Command get;
  get.noun = "device";
  get.verb = "get";
  get.summary = "Show one device with its health and last events";
  get.positionals = {{"DEVICE", "id, display name or identity"}};
  get.examples = "  muster device get riga-core\n  muster device get riga-core -o json";
  get.run = Get;
  Command remove;
  remove.noun = "device";
  remove.verb = "delete";
  remove.summary = "Delete a device; its token is refused from then on";
  remove.positionals = {{"DEVICE", "id, display name or identity"}};
  remove.flags = {{"yes", "", "don't ask (asks only on a terminal)"}};
  remove.examples = "  muster device delete riga-core --yes";
  remove.writes = true;
  remove.run = Delete;
  return {ListCommand(), get, SetCommand(), remove};
}

}  // namespace muster::cli
