#include "edge-proxy/heartbeats/device_table.h"

#include <algorithm>
#include <cstring>

#include "absl/hash/hash.h"
#include "common/secrets/secrets.h"
#include "routeros/token/token.h"

namespace muster::edge {
namespace {

uint64_t HashOf(const routeros::DeviceFacts& facts) {
  return absl::HashOf(facts.identity, facts.serial_number, facts.software_id, facts.mac_address,
                      facts.routeros_version, facts.board, facts.architecture, facts.agent_version,
                      facts.format_hex, facts.format_escaped, facts.rights,
                      facts.tunnel_public_key);
}

}  // namespace

void DeviceTable::Fill(Row& row, const DeviceRecord& record) {
  static_assert(sizeof row.secret_check == routeros::kSecretCheckBytes);
  row.organization = record.organization;
  row.least_epoch = record.least_epoch;
  row.interval_seconds = record.interval_seconds;
  row.monitor_only = record.monitor_only;
  row.code_page = record.code_page;
  std::memset(row.secret_check, 0, sizeof row.secret_check);
  std::memcpy(row.secret_check, record.secret_check.data(),
              std::min(record.secret_check.size(), sizeof row.secret_check));
}

void DeviceTable::Put(const DeviceRecord& record) {
  MutexLock lock(mutex_);
  Fill(rows_[record.device], record);
}

void DeviceTable::Remove(DeviceId device) {
  MutexLock lock(mutex_);
  rows_.erase(device);
}

void DeviceTable::ReplaceAll(const std::vector<DeviceRecord>& records) {
  MutexLock lock(mutex_);
  absl::flat_hash_map<DeviceId, Row> rows;
  rows.reserve(records.size());
  for (const DeviceRecord& record : records) {
    const auto found = rows_.find(record.device);
    Row row = found == rows_.end() ? Row() : found->second;
    Fill(row, record);
    rows[record.device] = row;
  }
  rows_ = std::move(rows);
}

void DeviceTable::SetRevocations(const std::vector<Revocation>& revocations) {
  MutexLock lock(mutex_);
  least_epochs_.clear();
  for (const Revocation& revocation : revocations) {
    least_epochs_[revocation.device] = revocation.least_epoch;
  }
}

void DeviceTable::AddRevocation(const Revocation& revocation) {
  MutexLock lock(mutex_);
  uint32_t& least = least_epochs_[revocation.device];
  least = std::max(least, revocation.least_epoch);
}

DeviceTable::Judgement DeviceTable::Judge(DeviceId device, OrganizationId organization,
                                          uint32_t epoch, absl::string_view secret_check) const {
  MutexLock lock(mutex_);
  const auto least = least_epochs_.find(device);
  if (least != least_epochs_.end() && epoch < least->second) return {Standing::kRevoked};
  const auto found = rows_.find(device);
  if (found == rows_.end()) return {Standing::kUnknown};
  const Row& row = found->second;
  if (epoch < row.least_epoch) return {Standing::kRevoked};
  const absl::string_view expected(reinterpret_cast<const char*>(row.secret_check),
                                   sizeof row.secret_check);
  if (row.organization != organization || !EqualInConstantTime(expected, secret_check)) {
    return {Standing::kWrongSecret};
  }
  return {Standing::kKnown, row.interval_seconds, row.monitor_only, row.code_page};
}

std::string DeviceTable::SecretCheckOf(DeviceId device) const {
  MutexLock lock(mutex_);
  const auto found = rows_.find(device);
  if (found == rows_.end()) return "";
  const Row& row = found->second;
  return std::string(reinterpret_cast<const char*>(row.secret_check), sizeof row.secret_check);
}

DeviceTable::Memory DeviceTable::RecordBeat(DeviceId device, const routeros::Heartbeat& beat) {
  const uint64_t facts_hash = HashOf(beat.facts);
  MutexLock lock(mutex_);
  const auto found = rows_.find(device);
  if (found == rows_.end()) {
    return {.highest_reported = beat.last_number, .went_back = false, .facts_are_new = true};
  }
  Row& row = found->second;
  Memory memory;
  memory.went_back = beat.last_number < row.last_reported;
  row.last_reported = beat.last_number;
  row.highest_reported = std::max(row.highest_reported, beat.last_number);
  memory.highest_reported = row.highest_reported;
  memory.facts_are_new = row.facts_session != session_ || row.facts_hash != facts_hash;
  if (beat.has_facts) {
    row.facts_hash = facts_hash;
    row.facts_session = session_;
  }
  return memory;
}

void DeviceTable::ForgetSentFacts() {
  MutexLock lock(mutex_);
  ++session_;
}

size_t DeviceTable::size() const {
  MutexLock lock(mutex_);
  return rows_.size();
}

}  // namespace muster::edge
