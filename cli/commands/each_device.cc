#include "cli/commands/each_device.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/device_report.h"
#include "cli/commands/named_devices.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"

namespace muster::cli {
namespace {

using muster::v1::Device;

constexpr size_t kFailuresShown = 20;

void NoteChanged(Session& session, const std::string& name, const ChangedDevice& changed) {
  session.Note(absl::StrCat("device ", ShortName(name), " (", DeviceTitle(changed.device), ") ",
                            changed.note));
}

Outcome ForOne(Session& session, const ChangeDevice& change) {
  ASSIGN_OR_RETURN(const std::string name, FindDevice(session, session.Text("DEVICE")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  ASSIGN_OR_RETURN(const ChangedDevice changed, change(name, connection->request_id()));
  NoteChanged(session, changed.device.name(), changed);
  // For people the sentence says it all; formats for programs get the device as it is now.
  if (session.format() == Format::kTable || session.format() == Format::kWide) {
    return ExitCode::kDone;
  }
  return session.Show(DeviceDetailReport(changed.device, session.now()));
}

}  // namespace

Outcome ForEachDevice(Session& session, absl::string_view consequence, const ChangeDevice& change) {
  if (session.Text("DEVICE") != kFromStdin) return ForOne(session, change);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ReadDeviceNames(session, kFromStdin));
  const auto count = static_cast<int64_t>(names.size());
  RETURN_IF_ERROR(
      session.Confirm(count, absl::StrCat("This will ", consequence, " ", count, " devices.")));
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  std::vector<Device> done;
  size_t failed = 0;
  for (const std::string& name : names) {
    absl::StatusOr<ChangedDevice> changed =
        change(name, absl::StrCat(connection->request_id(), "-", ShortName(name)));
    if (changed.ok()) {
      done.push_back(std::move(changed->device));
    } else if (++failed <= kFailuresShown) {
      session.Note(absl::StrCat(ShortName(name), ": ", std::string(changed.status().message())));
    }
  }
  if (failed > kFailuresShown) {
    session.Note(absl::StrCat("... and ", failed - kFailuresShown, " more failed"));
  }
  session.Note(absl::StrCat("done for ", done.size(), " of ", names.size(), " devices"));
  ASSIGN_OR_RETURN(const ExitCode shown, session.Show(DeviceListReport(done, session.now())));
  if (failed == 0) return shown;
  return done.empty() ? ExitCode::kFailed : ExitCode::kPartlyFailed;
}

}  // namespace muster::cli
