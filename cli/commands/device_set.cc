// Changes one router or many. Many are as many calls, eight at a time, each with a request id of
// its own: one that is refused stops none of the others, and the same command with the same
// --request-id makes up for what a lost connection left undone.
#include "cli/commands/device_set.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/device_report.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"

namespace muster::cli {
namespace {

using muster::v1::Device;
using muster::v1::DeviceService;
using muster::v1::UpdateDeviceRequest;

// The server puts calls that come together into one entry of its log.
// So eight at a time cost it hardly more than one.
constexpr size_t kCallsAtOnce = 8;
// The first ones say what is wrong; a thousand lines of it would hide that.
constexpr size_t kFailuresShown = 20;

// An empty text is a change too: it clears the field. That is why the flag counts and not its
// value.
void SetText(Session& session, const std::string& flag, const std::string& path,
             void (*set)(Device*, std::string), UpdateDeviceRequest* request) {
  if (!session.Has(flag)) return;
  set(request->mutable_device(), session.Text(flag));
  request->mutable_update_mask()->add_paths(path);
}

// What is to be changed, as device fields and their mask. InvalidArgument where that is nothing.
absl::Status FillChange(Session& session, UpdateDeviceRequest* request) {
  const auto name = [](Device* device, std::string text) { device->set_display_name(text); };
  const auto notes = [](Device* device, std::string text) { device->set_notes(text); };
  const auto site = [](Device* device, std::string text) { device->set_site(text); };
  SetText(session, "name", "display_name", name, request);
  SetText(session, "notes", "notes", notes, request);
  SetText(session, "site", "site", site, request);
  auto* paths = request->mutable_update_mask();
  ASSIGN_OR_RETURN(const auto labels, session.Labels("label"));
  for (const auto& [key, value] : labels) {
    (*request->mutable_device()->mutable_labels())[key] = value;
    paths->add_paths(absl::StrCat("labels.", key));
  }
  // Named in the mask and absent in the device: that is how the API removes one label.
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

// What came of one device.
struct Change {
  // Resource name, or what was typed where there is no such device.
  std::string name;
  absl::Status status;
  Device device;
};

// Without an etag: the last writer wins, as it must where a filter says whom it is about.
Change ChangeOne(Connection* connection, DeviceService::Stub* stub, UpdateDeviceRequest request) {
  Change change{request.device().name(), absl::OkStatus(), {}};
  muster::v1::UpdateDeviceResponse response;
  change.status = connection->Call(CallKind::kWrite, [&](grpc::ClientContext* context) {
    return stub->UpdateDevice(context, request, &response);
  });
  change.device = response.device();
  return change;
}

// Changes each device under a request id of its own, which a repetition makes again.
// An id of the run's and the device's together: made again in a repetition, and never the same for
// two devices.
std::vector<Change> ChangeAll(Connection* connection, const UpdateDeviceRequest& change,
                              const std::vector<std::string>& names) {
  const auto stub = DeviceService::NewStub(connection->channel());
  std::vector<Change> changes(names.size());
  // Each thread takes the next device; each writes only its own place in `changes`.
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < names.size(); i = next++) {
      UpdateDeviceRequest request = change;
      request.mutable_device()->set_name(names[i]);
      request.set_request_id(PartRequestId(connection->request_id(), ShortName(names[i])));
      changes[i] = ChangeOne(connection, stub.get(), std::move(request));
    }
  };
  std::vector<std::thread> threads;
  // From 1: this thread works too, so a single device starts none.
  for (size_t i = 1; i < std::min(kCallsAtOnce, names.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return changes;
}

// Failures on stderr, what was changed on stdout.
Outcome ShowChanges(Session& session, const std::vector<Change>& changes) {
  std::vector<Device> changed;
  size_t failed = 0;
  for (const Change& change : changes) {
    if (change.status.ok()) {
      changed.push_back(change.device);
    } else if (++failed <= kFailuresShown) {
      session.Note(
          absl::StrCat(ShortName(change.name), ": ", std::string(change.status.message())));
    }
  }
  if (failed > kFailuresShown) {
    session.Note(absl::StrCat("... and ", failed - kFailuresShown, " more failed"));
  }
  session.Note(absl::StrCat("changed ", changed.size(), " of ", changes.size(), " devices"));
  ASSIGN_OR_RETURN(const ExitCode shown, session.Show(DeviceSettingsListReport(changed)));
  if (failed == 0) return shown;
  return changed.empty() ? ExitCode::kFailed : ExitCode::kPartlyFailed;
}

Outcome SetOne(Session& session, UpdateDeviceRequest request) {
  ASSIGN_OR_RETURN(*request.mutable_device()->mutable_name(),
                   FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = DeviceService::NewStub(connection->channel());
  request.set_request_id(connection->request_id());
  const Change change = ChangeOne(connection, stub.get(), std::move(request));
  RETURN_IF_ERROR(change.status);
  return session.Show(DeviceSettingsReport(change.device));
}

absl::Status Ask(Session& session, size_t count) {
  return session.Confirm(static_cast<int64_t>(count),
                         absl::StrCat("This will change ", count, " devices."));
}

Outcome SetWhere(Session& session, const UpdateDeviceRequest& request) {
  const std::string filter = session.Text("where");
  // An empty variable in a script must not mean the whole fleet.
  if (absl::StripAsciiWhitespace(filter).empty()) {
    return absl::InvalidArgumentError(
        "--where is empty; for all devices say: --where 'name = \"*\"'");
  }
  // Read once: what is shown and asked about is what is changed, whatever matches a moment later.
  ASSIGN_OR_RETURN(const std::vector<Device> devices, AllMatches(session, filter));
  ShowMatches(session, MatchesOf(devices));
  RETURN_IF_ERROR(Ask(session, devices.size()));
  std::vector<std::string> names;
  for (const Device& device : devices) names.push_back(device.name());
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  return ShowChanges(session, ChangeAll(connection, request, names));
}

Outcome SetNamed(Session& session, const UpdateDeviceRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, NamesFromStdin(session));
  // stdin has been read to its end: there is nothing left to read an answer from.
  if (texts.size() > 1 && !session.Switch("yes")) {
    return absl::InvalidArgumentError(absl::StrCat("This will change ", texts.size(),
                                                   " devices. Their names came from stdin, so "
                                                   "nobody can be asked; with --yes it is done."));
  }
  std::vector<Change> unknown;
  std::vector<std::string> names;
  for (const std::string& text : texts) {
    const absl::StatusOr<std::string> name = FindDevice(session, text);
    // The same for all that follow; everything else is about this one name.
    if (absl::IsUnavailable(name.status()) || absl::IsUnauthenticated(name.status())) {
      return name.status();
    }
    if (name.ok()) {
      names.push_back(*name);
    } else {
      unknown.push_back({text, name.status(), {}});
    }
  }
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  std::vector<Change> changes = ChangeAll(connection, request, names);
  // Counted as failures, so that the exit code tells of them.
  changes.insert(changes.end(), unknown.begin(), unknown.end());
  return ShowChanges(session, changes);
}

Outcome Set(Session& session) {
  UpdateDeviceRequest request;
  RETURN_IF_ERROR(FillChange(session, &request));
  if (session.Has("DEVICE") == session.Has("where")) {
    return absl::InvalidArgumentError("give exactly one of DEVICE and --where");
  }
  if (session.Has("where")) return SetWhere(session, request);
  if (session.Text("DEVICE") == kFromStdin) return SetNamed(session, request);
  return SetOne(session, std::move(request));
}

}  // namespace

Command DeviceSetCommand() {
  Command set;
  set.noun = "device";
  set.verb = "set";
  set.summary = "Change the name, notes, site or labels of devices";
  set.positionals = {{"DEVICE", "id, display name or identity; - reads names from stdin", false}};
  set.flags = {{"where", "FILTER", "every device that matches; docs/filter.md has the language"},
               {"name", "TEXT", "display name; '' clears it"},
               {"notes", "TEXT", "notes; '' clears them"},
               {"site", "SITE", "site; '' clears it"},
               {"label", "KEY=VALUE", "set a label", false, true},
               {"remove-label", "KEY", "remove a label", false, true},
               {"yes", "", "don't ask where more than one device is touched"}};
  set.examples =
      "  muster device set MikroTik-7 --name riga-core --site riga\n"
      "  muster device set riga-core --label role=core --remove-label new\n"
      "  muster device set --where 'model = \"hEX*\"' --label ring=canary\n"
      "  muster device list --where 'site = riga' -o name | muster device set - --site rix --yes";
  set.writes = true;
  set.run = Set;
  return set;
}

}  // namespace muster::cli
