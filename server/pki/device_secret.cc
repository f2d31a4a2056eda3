#include "server/pki/device_secret.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace muster::server {
namespace {

// One device's secret under another's id does not open: nobody becomes another router by a change
// in the database.
std::string Context(DeviceId device) { return absl::StrCat("device-secret/", FormatId(device)); }

constexpr size_t kNumberBytes = 8;
// 24 nonce, 16 secret, 16 tag.
constexpr size_t kSealedBytes = 56;

}  // namespace

absl::StatusOr<std::string> SealDeviceSecret(const OrganizationKeys& keys,
                                             OrganizationId organization, DeviceId device,
                                             const Secret& secret) {
  ASSIGN_OR_RETURN(const auto key, keys.Find(organization));
  if (!key.has_value()) return SealDeviceSecret(keys.master(), device, secret);
  std::string out;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    out.push_back(static_cast<char>(organization.value >> (8 * i)));
  }
  return out + Seal(key->key, Context(device), secret.Reveal());
}

absl::StatusOr<Secret> OpenDeviceSecret(const OrganizationKeys& keys, DeviceId device,
                                        absl::string_view sealed) {
  if (sealed.size() != kNumberBytes + kSealedBytes) {
    return OpenDeviceSecret(keys.master(), device, sealed);
  }
  uint64_t organization = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    organization |= uint64_t{static_cast<uint8_t>(sealed[i])} << (8 * i);
  }
  ASSIGN_OR_RETURN(const auto key, keys.Find(OrganizationId{organization}));
  if (!key.has_value()) {
    return absl::DataLossError("the key of the organization in which the device joined is gone");
  }
  return Open(key->key, Context(device), sealed.substr(kNumberBytes));
}

std::string SealDeviceSecret(const Secret& master, DeviceId device, const Secret& secret) {
  return Seal(master, Context(device), secret.Reveal());
}

absl::StatusOr<Secret> OpenDeviceSecret(const Secret& master, DeviceId device,
                                        absl::string_view sealed) {
  return Open(master, Context(device), sealed);
}

}  // namespace muster::server
