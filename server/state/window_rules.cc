// When a device's windows are open. Intervals are half-open: at its end a window is closed.
#include "server/state/window_rules.h"

namespace muster::server {

bool IsFor(const MaintenanceWindow& window, DeviceId device, const std::string& site,
           const std::map<std::string, std::string>& labels) {
  if (window.device) return window.device == device;
  if (!window.site.empty()) return window.site == site;
  const auto found = labels.find(window.label_key);
  return found != labels.end() && found->second == window.label_value;
}

WindowState StateOfWindows(const std::vector<MaintenanceWindow>& windows, int64_t now_us) {
  WindowState open;
  WindowState closed;
  closed.open = false;
  for (const MaintenanceWindow& window : windows) {
    for (const MaintenanceWindow::Interval& interval : window.intervals) {
      // Over; rows keep old ones until they are renewed.
      if (interval.end_us <= now_us) continue;
      if (interval.start_us <= now_us && interval.end_us > open.until_us) {
        open.until_us = interval.end_us;
        open.name = window.name;
      }
      if (interval.start_us > now_us &&
          (closed.until_us == 0 || interval.start_us < closed.until_us)) {
        closed.until_us = interval.start_us;
        closed.name = window.name;
      }
    }
    // All its intervals are over: the renewal is late, and the name is all that can be said.
    if (closed.name.empty()) closed.name = window.name;
  }
  return windows.empty() || open.until_us != 0 ? open : closed;
}

}  // namespace muster::server
