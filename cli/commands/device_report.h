// How devices are shown.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/output/table.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

// One row a device. `devices` must outlive the printing.
Report DeviceListReport(const std::vector<muster::v1::Device>& devices, absl::Time now);

// Everything about one, with its health, links and recent events.
Report DeviceDetailReport(const muster::v1::Device& device, absl::Time now);

// What an operator can set.
Report DeviceSettingsReport(const muster::v1::Device& device);

// The same of several, one row a device.
Report DeviceSettingsListReport(const std::vector<muster::v1::Device>& devices);

// One line: "riga-core: online, 7.15.3, 203.0.113.7".
std::string DeviceLine(const muster::v1::Device& device);

// The name that people know it by: display name, else identity, else id.
std::string DeviceTitle(const muster::v1::Device& device);

}  // namespace muster::cli
