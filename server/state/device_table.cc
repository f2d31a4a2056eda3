// The table of devices in memory. One lock for all: apply is the only writer and holds it for a few
// stores; whoever walks holds it for one slab at a time.
#include "server/state/device_table.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace muster::server {

namespace {

// A device that nothing has to be asked of.
constexpr int64_t kNotDue = std::numeric_limits<int64_t>::max();

}  // namespace

using internal::v1::CheckIn;

bool DeviceCore::SetSealedSecret(absl::string_view sealed) {
  if (sealed.size() > secret.size()) return false;
  secret_bytes = static_cast<uint8_t>(sealed.size());
  std::memcpy(secret.data(), sealed.data(), sealed.size());
  return true;
}

DenseIndex DeviceTable::Add(const DeviceCore& core) {
  MutexLock lock(mutex_);
  const DenseIndex index = static_cast<DenseIndex>(cores_.size());
  index_of_[core.id] = index;
  cores_.push_back(core);
  rows_.emplace_back();
  due_us_.push_back(kNotDue);
  readings_.emplace_back();
  // A new slab: its row in the table is the caller's to make.
  if (slab_changed_.size() * kSlabRows < cores_.size()) slab_changed_.push_back(false);
  return index;
}

void DeviceTable::MakePlaces(size_t count) {
  MutexLock lock(mutex_);
  index_of_.reserve(count);
  cores_.resize(count);
  rows_.resize(count);
  due_us_.resize(count, kNotDue);
  readings_.resize(count);
  slab_changed_.resize((count + kSlabRows - 1) / kSlabRows);
}

void DeviceTable::Place(DenseIndex index, const DeviceCore& core) {
  MutexLock lock(mutex_);
  index_of_[core.id] = index;
  cores_[index] = core;
}

size_t DeviceTable::size() const {
  MutexLock lock(mutex_);
  return cores_.size();
}

std::optional<DenseIndex> DeviceTable::Find(uint64_t id) const {
  MutexLock lock(mutex_);
  const auto found = index_of_.find(id);
  if (found == index_of_.end()) return std::nullopt;
  return found->second;
}

DeviceCore DeviceTable::Core(DenseIndex index) const {
  MutexLock lock(mutex_);
  return cores_[index];
}

void DeviceTable::SetCore(DenseIndex index, const DeviceCore& core) {
  MutexLock lock(mutex_);
  cores_[index] = core;
  SetDue(index);
}

DeviceExtra DeviceTable::Extra(DenseIndex index) const {
  MutexLock lock(mutex_);
  const auto found = extras_.find(index);
  return found == extras_.end() ? DeviceExtra{} : found->second;
}

void DeviceTable::SetExtra(DenseIndex index, const DeviceExtra& extra) {
  MutexLock lock(mutex_);
  if (extra.empty()) {
    extras_.erase(index);
  } else {
    extras_[index] = extra;
  }
}

StatusRow DeviceTable::Row(DenseIndex index) const {
  MutexLock lock(mutex_);
  return rows_[index];
}

std::string DeviceTable::Readings(DenseIndex index) const {
  MutexLock lock(mutex_);
  const Readings_& readings = readings_[index];
  return std::string(readings.bytes.get(), readings.size);
}

std::optional<DeviceTable::Both> DeviceTable::FindBoth(uint64_t id) const {
  MutexLock lock(mutex_);
  const auto found = index_of_.find(id);
  if (found == index_of_.end()) return std::nullopt;
  return Both{found->second, cores_[found->second], rows_[found->second]};
}

std::optional<DeviceTable::Taken> DeviceTable::TakeCheckIn(const CheckIn& check_in, int64_t time_us,
                                                           uint16_t edge, uint64_t entry_index) {
  MutexLock lock(mutex_);
  const auto found = index_of_.find(check_in.device_id());
  if (found == index_of_.end()) return std::nullopt;
  const DeviceCore& core = cores_[found->second];
  // By index and not by a flag: a start replays entries from before the deletion over a core that
  // knows of it.
  if (core.delete_index != 0 && core.delete_index <= entry_index) return std::nullopt;
  Taken taken{found->second, TakeLocked(found->second, check_in, time_us, edge), core};
  return taken;
}

void DeviceTable::ReplayCheckIn(const CheckIn& check_in, int64_t time_us, uint16_t edge,
                                uint64_t entry_index, const std::vector<uint64_t>& slab_index) {
  MutexLock lock(mutex_);
  const auto found = index_of_.find(check_in.device_id());
  if (found == index_of_.end()) return;
  const DenseIndex index = found->second;
  const DeviceCore& core = cores_[index];
  if (core.delete_index != 0 && core.delete_index <= entry_index) return;
  // Slabs are written at different Ticks, so each device has its own place in the log from which it
  // lacks check-ins.
  const size_t slab = index / kSlabRows;
  if (slab < slab_index.size() && slab_index[slab] >= entry_index) {
    // The row has it; the readings are in no slab.
    if (rows_[index].time_us == time_us) KeepReadings(index, check_in.readings());
    return;
  }
  TakeLocked(index, check_in, time_us, edge);
}

RowChange DeviceTable::TakeLocked(DenseIndex index, const CheckIn& check_in, int64_t time_us,
                                  uint16_t edge) {
  StatusRow& row = rows_[index];
  const uint16_t old_edge = row.edge[0];
  const RowChange change = server::TakeCheckIn(row, check_in, time_us, edge);
  if (!change.taken) return change;
  // An unchanged slab is not written again, only its index moves.
  slab_changed_[index / kSlabRows] = true;
  SetDue(index);
  KeepReadings(index, check_in.readings());
  if (old_edge != edge) {
    if (old_edge != kNoEdge) CountEdge(old_edge, -1);
    CountEdge(edge, 1);
  }
  return change;
}

void DeviceTable::KeepReadings(DenseIndex index, const std::string& bytes) {
  Readings_& readings = readings_[index];
  // Too long: none, rather than half of them.
  const size_t size = bytes.size() <= kMaxReadingsBytes ? bytes.size() : 0;
  // Most routers send the same shape each time: no allocation.
  if (size != readings.size) {
    readings.bytes = size == 0 ? nullptr : std::make_unique<char[]>(size);
    readings.size = static_cast<uint16_t>(size);
  }
  if (size != 0) std::memcpy(readings.bytes.get(), bytes.data(), size);
}

void DeviceTable::SetDue(DenseIndex index) {
  const DeviceCore& core = cores_[index];
  const bool asked =
      rows_[index].time_us != 0 && core.delete_index == 0 && core.online != OnlineState::kOffline;
  due_us_[index] = asked ? DeadlineUs(rows_[index]) : kNotDue;
}

void DeviceTable::CountEdge(uint16_t edge, int64_t by) {
  // Edges are few, and their numbers go from 0.
  if (at_edge_.size() <= edge) at_edge_.resize(edge + size_t{1});
  at_edge_[edge] += by;
}

size_t DeviceTable::slab_count() const {
  MutexLock lock(mutex_);
  return slab_changed_.size();
}

std::vector<StatusRow> DeviceTable::SlabRows(size_t slab, bool& changed) {
  MutexLock lock(mutex_);
  changed = slab_changed_[slab];
  if (!changed) return {};
  slab_changed_[slab] = false;
  const auto from = rows_.begin() + static_cast<ptrdiff_t>(slab * kSlabRows);
  const size_t count = std::min(kSlabRows, rows_.size() - slab * kSlabRows);
  return {from, from + static_cast<ptrdiff_t>(count)};
}

void DeviceTable::LoadSlab(size_t slab, const std::vector<StatusRow>& rows) {
  MutexLock lock(mutex_);
  const size_t from = slab * kSlabRows;
  for (size_t i = 0; i < rows.size() && from + i < rows_.size(); ++i) {
    rows_[from + i] = rows[i];
    SetDue(static_cast<DenseIndex>(from + i));
    // Once a row: what replay adds moves the counts as check-ins do.
    if (rows[i].edge[0] != kNoEdge) CountEdge(rows[i].edge[0], 1);
  }
}

void DeviceTable::ForOverdue(
    int64_t now_us,
    const std::function<bool(DenseIndex, const StatusRow&, OnlineState)>& visit) const {
  const size_t count = size();
  for (size_t from = 0; from < count; from += kSlabRows) {
    MutexLock lock(mutex_);
    for (size_t index = from; index < std::min(count, from + kSlabRows); ++index) {
      if (due_us_[index] >= now_us) continue;
      if (!visit(static_cast<DenseIndex>(index), rows_[index], cores_[index].online)) return;
    }
  }
}

std::vector<DeviceTable::LiveRow> DeviceTable::LiveRows(uint64_t organization, DenseIndex from,
                                                        DenseIndex& next) const {
  std::vector<LiveRow> found;
  MutexLock lock(mutex_);
  const size_t end = std::min<size_t>(rows_.size(), size_t{from} + kSlabRows);
  for (next = from; next < end; ++next) {
    const DeviceCore& core = cores_[next];
    if (core.delete_index != 0 || core.organization != organization) continue;
    found.push_back({core.id, core.online, rows_[next]});
  }
  return found;
}

int64_t DeviceTable::CountAtEdge(uint16_t edge) const {
  MutexLock lock(mutex_);
  return edge < at_edge_.size() ? at_edge_[edge] : 0;
}

std::vector<DenseIndex> DeviceTable::AtEdge(uint16_t edge, int64_t now_us, DenseIndex from,
                                            size_t limit, DenseIndex& next) const {
  std::vector<DenseIndex> found;
  const int64_t oldest_s = (now_us - kRecentEdgeUs) / 1'000'000;
  MutexLock lock(mutex_);
  next = from;
  // One slab a call, so that nobody waits long for the lock.
  const size_t end = std::min<size_t>(rows_.size(), size_t{from} + kSlabRows);
  for (; next < end && found.size() < limit; ++next) {
    const StatusRow& row = rows_[next];
    // A released router must be told to stop should it come back: its record stays at edges.
    if (cores_[next].delete_index != 0 && !cores_[next].released) continue;
    for (int i = 0; i < kRecentEdges; ++i) {
      if (row.edge[i] != edge || (i > 0 && row.edge_s[i] < oldest_s)) continue;
      found.push_back(next);
      break;
    }
  }
  return found;
}

}  // namespace muster::server
