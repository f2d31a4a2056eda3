#include "server/edges/secret_checks.h"

#include <algorithm>

#include "common/log/log.h"
#include "routeros/token/token.h"
#include "server/pki/device_secret.h"

namespace muster::server {
namespace {

absl::string_view View(const std::array<char, 16>& bytes) { return {bytes.data(), bytes.size()}; }

ProofVerdict Judge(const SecretProof& proof, const std::array<char, 16>& expected) {
  const bool right = EqualInConstantTime(View(proof.check), View(expected));
  return right && proof.present ? ProofVerdict::kRight : ProofVerdict::kWrong;
}

}  // namespace

std::vector<ProofVerdict> SecretChecks::Check(absl::Span<const SecretProof> proofs) {
  std::vector<ProofVerdict> verdicts(proofs.size(), ProofVerdict::kUnknownDevice);
  std::vector<size_t> unmet;
  {
    MutexLock lock(mutex_);
    for (size_t i = 0; i < proofs.size(); ++i) {
      const auto found = expected_.find(proofs[i].device.value);
      if (found == expected_.end()) {
        unmet.push_back(i);
      } else {
        verdicts[i] = Judge(proofs[i], found->second);
      }
    }
  }
  for (const size_t i : unmet) {
    const std::optional<EdgeDevice> device = Describe(proofs[i].device);
    if (device.has_value()) verdicts[i] = Judge(proofs[i], device->secret_check);
  }
  return verdicts;
}

std::optional<EdgeDevice> SecretChecks::Describe(DeviceId device) {
  uint64_t forgotten = 0;
  {
    MutexLock lock(mutex_);
    forgotten = forgotten_;
  }
  const std::optional<DeviceKeyRecord> key = state_.FindDeviceKey(device);
  if (!key.has_value() || key->deleted) return std::nullopt;
  std::optional<CheckValue> check = Find(device);
  if (!check.has_value()) {
    check = Compute(*key);
    if (!check.has_value()) return std::nullopt;
    Keep(device, *check, forgotten);
  }
  EdgeDevice described;
  described.device = key->id;
  described.organization = key->organization;
  described.least_epoch = key->least_epoch;
  described.secret_check = *check;
  described.monitor_only = key->monitor_only;
  described.code_page = key->code_page;
  return described;
}

bool SecretChecks::Knows(DeviceId device) const {
  MutexLock lock(mutex_);
  return expected_.contains(device.value);
}

std::vector<DeviceId> SecretChecks::KnownOf(OrganizationId organization) const {
  std::vector<DeviceId> known;
  {
    MutexLock lock(mutex_);
    known.reserve(expected_.size());
    for (const auto& entry : expected_) known.push_back(DeviceId{entry.first});
  }
  std::erase_if(known, [&](DeviceId device) {
    const std::optional<DeviceKeyRecord> key = state_.FindDeviceKey(device);
    return !key.has_value() || key->organization != organization;
  });
  return known;
}

void SecretChecks::Forget(DeviceId device) {
  MutexLock lock(mutex_);
  ++forgotten_;
  expected_.erase(device.value);
}

std::optional<SecretChecks::CheckValue> SecretChecks::Find(DeviceId device) const {
  MutexLock lock(mutex_);
  const auto found = expected_.find(device.value);
  if (found == expected_.end()) return std::nullopt;
  return found->second;
}

std::optional<SecretChecks::CheckValue> SecretChecks::Compute(const DeviceKeyRecord& key) const {
  const absl::StatusOr<Secret> secret = OpenDeviceSecret(master_, key.id, key.sealed_secret);
  if (!secret.ok()) {
    LogError("edges", "a device's secret does not open", {{"device", FormatId(key.id)}});
    return std::nullopt;
  }
  const std::string check = routeros::SecretCheck(edge_key_, *secret);
  CheckValue value{};
  std::copy_n(check.begin(), std::min(check.size(), value.size()), value.begin());
  return value;
}

void SecretChecks::Keep(DeviceId device, const CheckValue& value, uint64_t forgotten) {
  MutexLock lock(mutex_);
  if (forgotten == forgotten_) expected_.emplace(device.value, value);
}

}  // namespace muster::server
