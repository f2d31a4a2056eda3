// Listing, showing and deleting routers. What is longer has a file of its own (find, watch, doctor,
// set).
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/commands/device_beat.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/device_doctor.h"
#include "cli/commands/device_find.h"
#include "cli/commands/device_report.h"
#include "cli/commands/device_set.h"
#include "cli/commands/device_watch.h"
#include "cli/commands/each_device.h"
#include "cli/commands/groups.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using muster::v1::DeviceService;

// One page: quick also where a fleet has a million, and the remark below says that there are more.
constexpr int64_t kDefaultLimit = 1000;

absl::StatusOr<Device> Fetch(Session& session, const std::string& text) {
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, text));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  muster::v1::GetDeviceRequest request;
  request.set_name(name);
  muster::v1::GetDeviceResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetDevice(context, request, &response);
  }));
  return response.device();
}

// Several, as a list; what is not there is said, and the others are shown.
// One call each: names are mostly few, and each may be an id, a display name or an identity.
Outcome GetNamed(Session& session) {
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, NamesFromStdin(session));
  std::vector<Device> devices;
  for (const std::string& text : texts) {
    const absl::StatusOr<Device> device = Fetch(session, text);
    if (device.ok()) {
      devices.push_back(*device);
      // One that is missing is said and passed over; anything else (no server, no key) would be the
      // same for all.
    } else if (absl::IsNotFound(device.status())) {
      session.Note(absl::StrCat(text, ": ", std::string(device.status().message())));
    } else {
      return device.status();
    }
  }
  ASSIGN_OR_RETURN(const ExitCode shown, session.Show(DeviceListReport(devices, session.now())));
  if (devices.empty()) return ExitCode::kNotFound;
  return devices.size() == texts.size() ? shown : ExitCode::kPartlyFailed;
}

Outcome Get(Session& session) {
  if (session.Text("DEVICE") == kFromStdin) return GetNamed(session);
  ASSIGN_OR_RETURN(const Device device, Fetch(session, session.Text("DEVICE")));
  return session.Show(DeviceDetailReport(device, session.now()));
}

Outcome List(Session& session) {
  ASSIGN_OR_RETURN(const auto given_limit, session.Number("limit", 0, 100'000'000));
  // 0 means all.
  const auto limit = static_cast<size_t>(given_limit.value_or(kDefaultLimit));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  std::vector<Device> devices;
  muster::v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), session.OrganizationName());
  request.set_filter(session.Text("where"));
  request.set_show_deleted(session.Switch("deleted"));
  request.set_order_by(session.Text("sort"));
  // Not more rows than are wanted, and few calls where all are.
  request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<size_t>(limit, 1000)));
  int64_t total = 0;
  do {
    muster::v1::ListDevicesResponse response;
    RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
      return stub->ListDevices(context, request, &response);
    }));
    devices.insert(devices.end(), response.devices().begin(), response.devices().end());
    // As of the last page: devices come and go while a long list is read.
    total = response.total_size();
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && (limit == 0 || devices.size() < limit));
  if (limit > 0 && devices.size() > limit) devices.resize(limit);
  // Also without a terminal: a script that got 1,000 of 20,000 must have a chance to notice.
  if (!request.page_token().empty()) {
    session.Note(absl::StrCat("the first ", devices.size(), " of ", total,
                              " devices; --limit 0 shows all, --where fewer"));
    // An empty table looks like a fault to a person; to a script it is an answer.
  } else if (devices.empty() && session.console().err_is_terminal) {
    session.Note(session.Has("where") ? "no device matches"
                                      : "no devices yet; see: muster claim create --help");
  }
  return session.Show(DeviceListReport(devices, session.now()));
}

Outcome Delete(Session& session) {
  // One device, and named: scripts need no --yes for it.
  if (session.console().in_is_terminal && session.Text("DEVICE") != kFromStdin) {
    ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
    RETURN_IF_ERROR(session.Ask(absl::StrCat("This will delete device ", session.Text("DEVICE"),
                                             " (", ShortName(name), ") for good.")));
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  return ForEachDevice(
      session, "delete for good",
      [&](const std::string& name, const std::string& id) -> absl::StatusOr<ChangedDevice> {
        muster::v1::DeleteDeviceRequest request;
        request.set_name(name);
        request.set_request_id(id);
        muster::v1::DeleteDeviceResponse response;
        RETURN_IF_ERROR(connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
          return stub->DeleteDevice(context, request, &response);
        }));
        // The router itself keeps its agent and is refused: what to do about that belongs into the
        // same line.
        return ChangedDevice{response.device(),
                             "is deleted; its token is refused from now on, a new claim lets the "
                             "router join again"};
      });
}

// A function of its own, as DeviceCommands would be too long with it.
Command ListCommand() {
  Command list;
  list.noun = "device";
  list.verb = "list";
  list.summary = "List devices with their state and health";
  list.flags = {{"where", "FILTER", "only those that match; docs/filter.md has the language"},
                {"sort", "FIELDS", "order, like 'site, last_check_in_time desc'; docs/api.md"},
                {"limit", "N", "show at most so many, 0: all [1000]"},
                {"deleted", "", "deleted devices too"}};
  list.examples =
      "  muster device list\n"
      "  muster device list --where 'online = true AND version < 7.16'\n"
      "  muster device list --where 'labels.role = \"branch\" AND cpu > 80' -o wide\n"
      "  muster device list --sort 'last_check_in_time' --limit 20\n"
      "  muster device list -o csv > devices.csv";
  list.run = List;
  return list;
}

}  // namespace

std::vector<Command> DeviceCommands() {
  Command get;
  get.noun = "device";
  get.verb = "get";
  get.summary = "Show one device with its health and last events";
  get.positionals = {{"DEVICE", "id, display name or identity; - reads names from stdin"}};
  get.examples = "  muster device get riga-core\n  muster device get riga-core -o json";
  get.run = Get;
  Command remove;
  remove.noun = "device";
  remove.verb = "delete";
  remove.summary = "Delete a device; its token is refused from then on";
  remove.positionals = {{"DEVICE", kDeviceHelp}};
  remove.flags = {{"yes", "", "don't ask where more than one device is touched, or on a terminal"}};
  remove.examples =
      "  muster device delete riga-core --yes\n"
      "  muster device list --where 'labels.state = gone' -o name | muster device delete - --yes";
  remove.writes = true;
  remove.run = Delete;
  return {ListCommand(),         get,
          DeviceFindCommand(),   DeviceWatchCommand(),
          DeviceDoctorCommand(), DeviceBeatCommand(),
          DeviceSetCommand(),    remove};
}

}  // namespace muster::cli
