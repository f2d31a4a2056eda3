// Which maintenance windows count for a device, and whether one is open. The proposer shows with it
// what a target waits for, apply decides with it.
//
// Threads:  pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/state/records.h"

namespace muster::server {

// True where the window is for this device, its site, or one of its labels.
// A window has exactly one of the three aims.
bool IsFor(const MaintenanceWindow& window, DeviceId device, const std::string& site,
           const std::map<std::string, std::string>& labels);

struct WindowState {
  // A device without any window may always run jobs.
  bool open = true;
  // Open: when it closes; 0: never. Closed: when one opens next; 0: not known yet.
  int64_t until_us = 0;
  // The window that closes last, or opens next.
  std::string name;
};

// Of a device for which `windows` are: one that is open is enough.
// Open until the last of the open ones closes; intervals that touch or overlap in two windows are
// not joined.
WindowState StateOfWindows(const std::vector<MaintenanceWindow>& windows, int64_t now_us);

}  // namespace muster::server
