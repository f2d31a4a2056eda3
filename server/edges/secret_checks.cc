// Which secret check each device must show here. The check is a keyed hash under the edge's own
// key: what one edge has learned is worth nothing at another.
#include "server/edges/secret_checks.h"

#include <algorithm>

#include "common/log/log.h"
#include "routeros/token/token.h"
#include "server/pki/device_secret.h"
#include "server/pki/device_token.h"

namespace muster::server {
namespace {

absl::string_view View(const std::array<char, 16>& bytes) { return {bytes.data(), bytes.size()}; }

bool Fits(const SecretProof& proof, const std::array<char, 16>& expected) {
  // Compared even where nothing was sent, so that the time tells nothing.
  return EqualInConstantTime(View(proof.check), View(expected)) && proof.present;
}

}  // namespace

ProofVerdict SecretChecks::Judge(const SecretProof& proof, const Expected& expected) {
  // Both, always, in the same time; `next` without a next token is zeros, which has_next rules out.
  const bool now = Fits(proof, expected.now);
  const bool next = Fits(proof, expected.next) && expected.has_next;
  if (next) return ProofVerdict::kRightNext;
  return now ? ProofVerdict::kRight : ProofVerdict::kWrong;
}

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
  // Met for the first time: the seal is opened without the lock, since that takes 50 times as long
  // as a look.
  for (const size_t i : unmet) {
    const std::optional<Met> met = Meet(proofs[i].device);
    // A released device is described to the edge, but its items count for nothing.
    if (met.has_value() && !met->key.deleted) verdicts[i] = Judge(proofs[i], met->expected);
  }
  return verdicts;
}

std::optional<SecretChecks::Met> SecretChecks::Meet(DeviceId device) {
  // Before the key is read: it may be from before the next Forget.
  uint64_t forgotten = 0;
  {
    MutexLock lock(mutex_);
    forgotten = forgotten_;
  }
  std::optional<DeviceKeyRecord> key = state_.FindDeviceKey(device);
  if (!key.has_value() || (key->deleted && !key->released)) return std::nullopt;
  // The key is read all the same: whether it is deleted is not kept here.
  if (const std::optional<Expected> kept = Find(device)) return Met{*std::move(key), *kept};
  const std::optional<CheckValue> now = Compute(device, key->sealed_secret);
  if (!now.has_value()) return std::nullopt;
  Expected expected{*now};
  if (key->next_epoch != 0) {
    const std::optional<CheckValue> next = Compute(device, key->sealed_next_secret);
    expected.has_next = next.has_value();
    if (next.has_value()) expected.next = *next;
  }
  Keep(device, expected, forgotten);
  return Met{*std::move(key), expected};
}

std::optional<EdgeDevice> SecretChecks::Describe(DeviceId device) {
  const std::optional<Met> met = Meet(device);
  if (!met.has_value()) return std::nullopt;
  const DeviceKeyRecord* const key = &met->key;
  const Expected* const expected = &met->expected;
  EdgeDevice described;
  described.device = key->id;
  // The edge compares it with what stands in the token, which a move does not change.
  described.organization = key->token_organization;
  described.least_epoch = key->least_epoch;
  described.secret_check = expected->now;
  described.interval_seconds = IntervalSeconds(key->profile);
  described.monitor_only = key->monitor_only;
  described.code_page = key->code_page;
  described.released = key->released;
  if (key->next_epoch != 0 && expected->has_next) {
    described.next_epoch = key->next_epoch;
    described.next_secret_check = expected->next;
  }
  if (key->has_offer && !key->released) AddOffer(*key, described);
  return described;
}

void SecretChecks::AddOffer(const DeviceKeyRecord& key, EdgeDevice& device) const {
  std::optional<AgentOffer> offer = state_.FindAgentOffer(key.id);
  if (!offer.has_value()) return;
  if (key.next_epoch != 0) {
    absl::StatusOr<Secret> token = IssueDeviceToken(
        keys_, organization_keys_, {key.id, device.organization, key.next_epoch, clock_.Now()},
        key.sealed_next_secret);
    // Text of this generation without its token would be taken for the right one.
    if (!token.ok()) return;
    device.offered_token = *std::move(token);
  }
  device.offer = *std::move(offer);
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
  // Asked without the lock: a million devices would hold up all check-ins.
  std::erase_if(known, [&](DeviceId device) {
    const std::optional<DeviceKeyRecord> key = state_.FindDeviceKey(device);
    return !key.has_value() || key->organization != organization;
  });
  return known;
}

void SecretChecks::Forget(DeviceId device) {
  MutexLock lock(mutex_);
  // Whoever computes at this moment did so from an older key, and must not keep it.
  ++forgotten_;
  expected_.erase(device.value);
}

std::optional<SecretChecks::Expected> SecretChecks::Find(DeviceId device) const {
  MutexLock lock(mutex_);
  const auto found = expected_.find(device.value);
  if (found == expected_.end()) return std::nullopt;
  return found->second;
}

std::optional<SecretChecks::CheckValue> SecretChecks::Compute(
    DeviceId device, absl::string_view sealed_secret) const {
  const absl::StatusOr<Secret> secret = OpenDeviceSecret(organization_keys_, device, sealed_secret);
  if (!secret.ok()) {
    LogError("edges", "a device's secret does not open", {{"device", FormatId(device)}});
    return std::nullopt;
  }
  const std::string check = routeros::SecretCheck(edge_key_, *secret);
  CheckValue value{};
  std::copy_n(check.begin(), std::min(check.size(), value.size()), value.begin());
  return value;
}

void SecretChecks::Keep(DeviceId device, const Expected& value, uint64_t forgotten) {
  MutexLock lock(mutex_);
  if (forgotten == forgotten_) expected_.emplace(device.value, value);
}

}  // namespace muster::server
