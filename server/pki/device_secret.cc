#include "server/pki/device_secret.h"

#include "absl/strings/str_cat.h"

namespace muster::server {
namespace {

// One device's secret under another's id does not open: nobody becomes another router by a change
// in the database.
std::string Context(DeviceId device) { return absl::StrCat("device-secret/", FormatId(device)); }

}  // namespace

std::string SealDeviceSecret(const Secret& master, DeviceId device, const Secret& secret) {
  return Seal(master, Context(device), secret.Reveal());
}

absl::StatusOr<Secret> OpenDeviceSecret(const Secret& master, DeviceId device,
                                        absl::string_view sealed) {
  return Open(master, Context(device), sealed);
}

}  // namespace muster::server
