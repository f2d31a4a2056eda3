// Why a target waits, for people. The order is that of the rules: what is named first would have to
// end first.
#include "server/jobs/wait_reason.h"

#include "absl/strings/str_cat.h"
#include "server/state/window_rules.h"

namespace muster::server {
namespace {

std::string WindowReason(const Device& device, const std::vector<MaintenanceWindow>& windows,
                         absl::Time now) {
  std::vector<MaintenanceWindow> own;
  for (const MaintenanceWindow& window : windows) {
    if (IsFor(window, device.id, device.site, device.labels)) own.push_back(window);
  }
  const WindowState state = StateOfWindows(own, absl::ToUnixMicros(now));
  if (state.open) return "";
  for (const MaintenanceWindow& window : own) {
    if (window.name != state.name) continue;
    return absl::StrCat("waits for window ", window.name,
                        state.until_us == 0
                            ? ""
                            : absl::StrCat(", which opens ", WindowTime(window, state.until_us)));
  }
  return "waits for a window";
}

}  // namespace

std::string WindowTime(const MaintenanceWindow& window, int64_t time_us) {
  absl::TimeZone zone;
  // The zone was there when the window was set; data on this machine may have changed.
  if (!absl::LoadTimeZone(window.time_zone, &zone)) zone = absl::UTCTimeZone();
  return absl::FormatTime("%Y-%m-%dT%H:%M:%S%Ez", absl::FromUnixMicros(time_us), zone);
}

std::string WaitReason(const Job& job, const JobTarget& target, const Device& device,
                       const std::vector<MaintenanceWindow>& windows, absl::Time now) {
  if (target.state != JobTargetState::kQueued) return "";
  if (job.waves.has_value() && target.wave > job.waves->open_wave) {
    return absl::StrCat("waits for wave ", target.wave);
  }
  if (job.not_before_us > absl::ToUnixMicros(now)) {
    return absl::StrCat("waits until ",
                        absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMicros(job.not_before_us),
                                         absl::UTCTimeZone()));
  }
  if (!job.ignore_windows) {
    if (std::string reason = WindowReason(device, windows, now); !reason.empty()) return reason;
  }
  // Nothing keeps it back but the router.
  if (device.status.online != OnlineState::kOnline) return "waits for the device to check in";
  return "";
}

}  // namespace muster::server
