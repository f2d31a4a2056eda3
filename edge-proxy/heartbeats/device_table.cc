// What the edge knows of each device: 120 bytes a row, so that a million devices fit. Checks of
// secrets therefore lie in integers and not in strings, facts only as a hash.
#include "edge-proxy/heartbeats/device_table.h"

#include <algorithm>
#include <cstring>

#include "absl/hash/hash.h"
#include "common/secrets/secrets.h"
#include "routeros/script/reported_agent.h"
#include "routeros/token/token.h"

namespace muster::edge {
namespace {

// Not stored anywhere and different in each process: it only tells "as before" from "changed".
uint64_t HashOf(const routeros::DeviceFacts& facts) {
  return absl::HashOf(facts.identity, facts.serial_number, facts.software_id, facts.mac_address,
                      facts.routeros_version, facts.board, facts.architecture, facts.agent_version,
                      facts.format_hex, facts.format_escaped, facts.rights, facts.tunnel_public_key,
                      facts.router_roots);
}

// Shorter checks are filled with zeros; `convert` refuses them before.
void CopyCheck(const std::string& check, uint64_t (&into)[2]) {
  std::memset(into, 0, sizeof into);
  std::memcpy(into, check.data(), std::min(check.size(), sizeof into));
}

absl::string_view View(const uint64_t (&check)[2]) {
  return {reinterpret_cast<const char*>(check), sizeof check};
}

}  // namespace

void DeviceTable::Fill(Row& row, const DeviceRecord& record) {
  // Everything but what beats said: that has another life (device_table.h).
  static_assert(sizeof row.secret_check == routeros::kSecretCheckBytes);
  row.organization = record.organization;
  row.least_epoch = record.least_epoch;
  row.interval_seconds = record.interval_seconds;
  row.monitor_only = record.monitor_only;
  row.code_page = record.code_page;
  row.next_epoch = record.next_epoch;
  row.offer = record.offer;
  row.released = record.released;
  CopyCheck(record.secret_check, row.secret_check);
  CopyCheck(record.next_secret_check, row.next_secret_check);
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
    // What beats said goes over to the new row.
    Row row = found == rows_.end() ? Row() : found->second;
    Fill(row, record);
    rows[record.device] = std::move(row);
  }
  // Built beside the old table and swapped: beats see the one or the other.
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
  // Revocations first: they hold for devices without a row, too.
  if (least != least_epochs_.end() && epoch < least->second) return {Standing::kRevoked};
  const auto found = rows_.find(device);
  if (found == rows_.end()) return {Standing::kUnknown};
  const Row& row = found->second;
  // The record carries the floor as well, for a revocation that came before this stream began.
  if (epoch < row.least_epoch) return {Standing::kRevoked};
  // While a token is being replaced, its epoch says which of the two secrets must fit.
  const bool is_next = row.next_epoch != 0 && epoch >= row.next_epoch;
  const absl::string_view expected = View(is_next ? row.next_secret_check : row.secret_check);
  // In constant time, so that nobody learns a check byte by byte.
  if (row.organization != organization || !EqualInConstantTime(expected, secret_check)) {
    return {Standing::kWrongSecret};
  }
  return {Standing::kKnown, row.interval_seconds, row.monitor_only, row.code_page, row.released};
}

// Always that of the current token: the control plane takes either while both are good.
std::string DeviceTable::SecretCheckOf(DeviceId device) const {
  MutexLock lock(mutex_);
  const auto found = rows_.find(device);
  if (found == rows_.end()) return "";
  return std::string(View(found->second.secret_check));
}

std::shared_ptr<const AgentOffer> DeviceTable::OfferOf(DeviceId device) const {
  MutexLock lock(mutex_);
  const auto found = rows_.find(device);
  return found == rows_.end() ? nullptr : found->second.offer;
}

bool DeviceTable::TakeUpdate(DeviceId device, absl::string_view reported_agent,
                             absl::string_view own_version, absl::Time now) {
  const routeros::ReportedAgent reported = routeros::ParseReportedAgent(reported_agent);
  const auto now_seconds = static_cast<uint32_t>(absl::ToUnixSeconds(now));
  MutexLock lock(mutex_);
  const auto found = rows_.find(device);
  if (found == rows_.end() || found->second.offer == nullptr) return false;
  Row& row = found->second;
  const AgentOffer& offer = *row.offer;
  const bool runs_it =
      reported.version == offer.agent_version && reported.generation == offer.generation;
  if (!offer.offered || offer.agent_version != own_version || runs_it) return false;
  // Unsigned: a clock that went back gives a large difference, and the router is told once too
  // often.
  if (now_seconds - row.update_told < absl::ToInt64Seconds(kUpdatePause)) return false;
  row.update_told = now_seconds;
  return true;
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
  // Against the beat before and not the highest: else every beat after a step back would hold the
  // job that the control plane has put again.
  memory.went_back = beat.last_number < row.last_reported;
  row.last_reported = beat.last_number;
  row.highest_reported = std::max(row.highest_reported, beat.last_number);
  // Against the highest, on the other hand, a job is judged: a number that was ever reported is
  // never sent again.
  memory.highest_reported = row.highest_reported;
  memory.facts_are_new = row.facts_session != session_ || row.facts_hash != facts_hash;
  const auto agent_hash = static_cast<uint32_t>(absl::HashOf(
      beat.facts.agent_version, beat.facts.format_hex, beat.facts.format_escaped, session_));
  memory.agent_is_new = row.agent_hash != agent_hash;
  row.agent_hash = agent_hash;
  // A small beat leaves what was sent of the facts as it is.
  if (beat.has_facts) {
    row.facts_hash = facts_hash;
    row.facts_session = session_;
  }
  return memory;
}

void DeviceTable::ForgetSentFacts() {
  MutexLock lock(mutex_);
  // Every row's session is now an older one; walking over a million rows would stop all beats.
  ++session_;
}

size_t DeviceTable::size() const {
  MutexLock lock(mutex_);
  return rows_.size();
}

}  // namespace muster::edge
