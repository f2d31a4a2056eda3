// Reads devices, their states and events. A device is put together from its row (file) and its last
// check-in (memory); the two may be a moment apart, since memory shows an entry while it is
// applied.
#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/command_log/log/feature_level.h"
#include "server/state/apply/presence.h"
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

#define DEVICE_COLUMNS                                                                             \
  "id, organization, dense, display_name, notes, site, labels, facts, monitor_only, held, "        \
  "least_epoch, create_us, update_us, delete_us, version, hold_kind, hold_reason, profile, urls, " \
  "offer_version, agent_generation, offer_open, next_epoch, revoke_us, release_job, release_us, "  \
  "change_idx, online"

// Devices that a scan reads at once; a snapshot that is held long keeps the write-ahead log from
// being used again.
constexpr size_t kScanPage = 1'000;

// Facts lie in one blob: they are shown and compared as a whole, and searched by serial number
// only, which has a column.
void TakeFacts(absl::string_view bytes, Device& device) {
  internal::v1::Facts facts;
  if (!facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  device.identity = facts.identity();
  device.serial_number = facts.serial_number();
  device.software_id = facts.software_id();
  device.mac_address = facts.mac_address();
  device.routeros_version = facts.routeros_version();
  device.board = facts.board();
  device.architecture = facts.architecture();
  device.agent_version = facts.agent_version();
  device.format_hex = facts.format_hex();
  device.format_escaped = facts.format_escaped();
  device.rights = facts.rights();
  device.tunnel_public_key = facts.tunnel_public_key();
  device.router_roots = facts.router_roots();
}

std::vector<std::string> ReadUrls(absl::string_view bytes) {
  internal::v1::Urls urls;
  if (!urls.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return {urls.urls().begin(), urls.urls().end()};
}

// Columns from `hold_kind` on.
void ReadIdentity(const Query& query, Device& device) {
  device.hold_kind = static_cast<HoldKind>(query.Int(15));
  device.hold_reason = query.Text(16);
  device.profile = static_cast<Profile>(query.Int(17));
  device.urls = ReadUrls(query.View(18));
  device.offer_version = query.Text(19);
  device.agent_generation = static_cast<uint32_t>(query.Int(20));
  device.offer_open = query.Bool(21);
  device.next_epoch = static_cast<uint32_t>(query.Int(22));
  device.revoke_time_us = query.Int(23);
  if (!query.IsNull(24)) device.release_job = JobId{IdOf(query.Int(24))};
  device.release_time_us = query.Int(25);
  device.change_index = query.Unsigned(26);
  // From the row, not from memory: as of the change that is read with it. A deleted one is asked no
  // more.
  device.status.online =
      device.delete_time_us != 0 ? OnlineState::kOffline : static_cast<OnlineState>(query.Int(27));
}

Device ReadDevice(const Query& query, DenseIndex& index) {
  Device device;
  device.id = DeviceId{IdOf(query.Int(0))};
  device.organization = OrganizationId{IdOf(query.Int(1))};
  index = static_cast<DenseIndex>(query.Int(2));
  device.display_name = query.Text(3);
  device.notes = query.Text(4);
  device.site = query.Text(5);
  device.labels = DecodeLabels(query.View(6));
  TakeFacts(query.View(7), device);
  device.monitor_only = query.Bool(8);
  device.jobs_held = query.Bool(9);
  device.least_epoch = static_cast<uint32_t>(query.Int(10));
  device.create_time_us = query.Int(11);
  device.update_time_us = query.Int(12);
  device.delete_time_us = query.Int(13);
  device.etag = absl::StrCat(query.Int(14));
  ReadIdentity(query, device);
  return device;
}

DeviceKeyRecord KeyRecordOf(const DeviceCore& core, DeviceExtra extra) {
  DeviceKeyRecord record;
  record.id = DeviceId{core.id};
  record.organization = OrganizationId{core.organization};
  record.least_epoch = core.least_epoch;
  record.sealed_secret = std::string(core.SealedSecret());
  record.monitor_only = core.monitor_only;
  // To an edge both mean the same: answer 401.
  record.deleted = core.delete_index != 0 || core.revoked;
  record.released = core.released;
  record.profile = core.profile;
  record.has_offer = core.has_offer;
  record.token_organization =
      OrganizationId{extra.token_organization != 0 ? extra.token_organization : core.organization};
  record.next_epoch = extra.next_epoch;
  record.sealed_next_secret = std::move(extra.next_secret);
  return record;
}

template <typename T, typename V>
void Give(const StatusRow& row, Present bit, V value, std::optional<T>& field) {
  if ((row.present & bit) != 0) field = value;
}

void GiveNumbers(const StatusRow& row, DeviceStatus& status) {
  Give(row, kHasUptime, row.uptime_seconds, status.uptime_seconds);
  Give(row, kHasCpuLoad, row.cpu_load_percent, status.cpu_load_percent);
  Give(row, kHasCpuCount, row.cpu_count, status.cpu_count);
  Give(row, kHasCpuFrequency, row.cpu_frequency_mhz, status.cpu_frequency_mhz);
  Give(row, kHasMemoryFree, row.memory_free_bytes, status.memory_free_bytes);
  Give(row, kHasMemoryTotal, row.memory_total_bytes, status.memory_total_bytes);
  Give(row, kHasDiskFree, row.disk_free_bytes, status.disk_free_bytes);
  Give(row, kHasDiskTotal, row.disk_total_bytes, status.disk_total_bytes);
  Give(row, kHasBadBlocks, row.bad_blocks_millipercent, status.bad_blocks_millipercent);
  Give(row, kHasSectorsWritten, row.sectors_written, status.sectors_written);
  Give(row, kHasAgentErrors, row.agent_errors, status.agent_errors);
}

LinkReading LinkOf(const internal::v1::LinkReading& from) {
  LinkReading link;
  link.link = from.link();
  link.address = from.address();
  if (from.has_rtt_us()) link.rtt_us = from.rtt_us();
  if (from.has_jitter_us()) link.jitter_us = from.jitter_us();
  if (from.has_standard_deviation_us()) link.standard_deviation_us = from.standard_deviation_us();
  if (from.has_loss_permille()) link.loss_permille = from.loss_permille();
  return link;
}

void GiveReadings(const std::string& bytes, DeviceStatus& status) {
  internal::v1::Readings readings;
  if (!readings.ParseFromString(bytes)) return;
  for (const auto& row : readings.health()) {
    status.health.push_back({row.sensor(), row.value_milli(), row.unit()});
  }
  for (const auto& row : readings.links()) status.links.push_back(LinkOf(row));
  status.router_clock = readings.router_clock();
}

DeviceEvent ReadEvent(const Query& query) {
  const uint64_t place = query.Unsigned(1);
  constexpr uint64_t kOrdinals = (uint64_t{1} << DeviceEvent::kOrdinalBits) - 1;
  return {DeviceId{IdOf(query.Int(0))},
          query.Int(2),
          query.Text(3),
          query.Text(4),
          place >> DeviceEvent::kOrdinalBits,
          static_cast<uint32_t>(place & kOrdinals)};
}

}  // namespace

OnlineState SqliteState::OnlineOf(const NodeState& node, const StatusRow& row,
                                  OnlineState decided) const {
  if (row.time_us == 0) return OnlineState::kNever;
  if (node.feature_level >= kPresenceLevel) return decided;
  return Judge(row, ClocksOf(node, edges_.Get(row.edge[0])));
}

void SqliteState::FillStatus(const NodeState& node, DenseIndex index, bool readings,
                             DeviceStatus& status) const {
  const StatusRow row = devices_.Row(index);
  status.online = OnlineOf(node, row, status.online);
  status.last_check_in_us = row.time_us;
  status.deadline_us = DeadlineUs(row);
  status.source_address.assign(reinterpret_cast<const char*>(row.address.data()),
                               row.address_bytes);
  if (row.edge[0] != kNoEdge && row.edge[0] < edges_.size()) {
    status.edge = edges_.Get(row.edge[0]).id;
  }
  status.interval_seconds = row.interval_s;
  GiveNumbers(row, status);
  if (readings) GiveReadings(devices_.Readings(index), status);
}

std::optional<Device> SqliteState::FindDevice(DeviceId id) const {
  // One moment for all that is judged in this call.
  const NodeState node = Published();
  auto db = readers_.Get();
  Query query(*db, "SELECT " DEVICE_COLUMNS " FROM devices WHERE id = ?", KeyOf(id.value));
  if (!query.Step()) return std::nullopt;
  DenseIndex index = 0;
  Device device = ReadDevice(query, index);
  FillStatus(node, index, true, device.status);
  return device;
}

std::optional<DeviceKeyRecord> SqliteState::FindDeviceKey(DeviceId id) const {
  const std::optional<DenseIndex> index = devices_.Find(id.value);
  if (!index.has_value()) return std::nullopt;
  DeviceKeyRecord key = KeyRecordOf(devices_.Core(*index), devices_.Extra(*index));
  MutexLock lock(mutex_);
  const auto page = code_pages_.find(key.organization);
  if (page != code_pages_.end()) key.code_page = page->second;
  return key;
}

DeviceId SqliteState::FindDeviceBySerial(OrganizationId organization,
                                         absl::string_view serial) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT id FROM devices WHERE organization = ? AND serial = ? AND serial <> '' "
              "AND delete_us = 0 ORDER BY id LIMIT 1",
              KeyOf(organization.value), serial);
  return query.Step() ? DeviceId{IdOf(query.Int(0))} : DeviceId{};
}

std::optional<AgentOffer> SqliteState::FindAgentOffer(DeviceId id) const {
  auto db = readers_.Get();
  Query query(*db,
              "SELECT offer_version, agent_generation, offer_open, profile, urls FROM devices "
              "WHERE id = ?",
              KeyOf(id.value));
  if (!query.Step() || query.View(0).empty()) return std::nullopt;
  return AgentOffer{query.Text(0), static_cast<uint32_t>(query.Int(1)), query.Bool(2),
                    static_cast<Profile>(query.Int(3)), ReadUrls(query.View(4))};
}

std::vector<Device> SqliteState::ListDevices(OrganizationId organization, DeviceId after,
                                             size_t limit, bool with_deleted) const {
  const NodeState node = Published();
  std::vector<Device> devices;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT " DEVICE_COLUMNS
              " FROM devices WHERE organization = ? AND id > ? AND (delete_us = 0 OR ?) "
              "ORDER BY id LIMIT ?",
              KeyOf(organization.value), KeyOf(after.value), with_deleted, limit);
  while (query.Step()) {
    DenseIndex index = 0;
    devices.push_back(ReadDevice(query, index));
    FillStatus(node, index, true, devices.back().status);
  }
  return devices;
}

std::vector<Device> SqliteState::ListChangedDevices(OrganizationId organization,
                                                    const ChangePlace& after, size_t limit) const {
  const NodeState node = Published();
  std::vector<Device> devices;
  auto db = readers_.Get();
  // Both queries see one moment: else a place could move past what only the second one sees.
  (*db).Execute("BEGIN");
  {
    // In two parts: SQLite compares no pair along an index whose second half is the row's own id,
    // and would walk over all devices of the entry for each page.
    Query query(*db,
                "SELECT " DEVICE_COLUMNS
                " FROM devices WHERE organization = ?1 AND change_idx = ?2 AND id > ?3 "
                "UNION ALL SELECT " DEVICE_COLUMNS
                " FROM devices WHERE organization = ?1 AND change_idx > ?2 "
                "ORDER BY change_idx, id LIMIT ?4",
                KeyOf(organization.value), after.change_index, KeyOf(after.device.value), limit);
    while (query.Step()) {
      DenseIndex index = 0;
      devices.push_back(ReadDevice(query, index));
      FillStatus(node, index, true, devices.back().status);
    }
  }
  const auto here = static_cast<ptrdiff_t>(devices.size());
  {
    Query query(*db,
                "SELECT device, change_idx FROM departures WHERE organization = ? "
                "AND (change_idx, device) > (?, ?) ORDER BY change_idx, device LIMIT ?",
                KeyOf(organization.value), after.change_index, KeyOf(after.device.value), limit);
    while (query.Step()) {
      Device& device = devices.emplace_back();
      device.id = DeviceId{IdOf(query.Int(0))};
      device.change_index = query.Unsigned(1);
    }
  }
  (*db).Execute("COMMIT");
  std::inplace_merge(devices.begin(), devices.begin() + here, devices.end(),
                     [](const Device& a, const Device& b) {
                       return std::tie(a.change_index, a.id) < std::tie(b.change_index, b.id);
                     });
  if (devices.size() > limit) devices.resize(limit);
  return devices;
}

void SqliteState::ScanDevices(OrganizationId organization,
                              const std::function<bool(const Device&)>& visit) const {
  const NodeState node = Published();
  uint64_t after = 0;
  // Each page is a read of its own; ids never change, so none is missed or seen twice.
  for (size_t seen = kScanPage; seen == kScanPage;) {
    seen = 0;
    auto db = readers_.Get();
    Query query(*db,
                "SELECT " DEVICE_COLUMNS
                " FROM devices WHERE organization = ? AND id > ? ORDER BY id LIMIT ?",
                KeyOf(organization.value), KeyOf(after), kScanPage);
    while (query.Step()) {
      ++seen;
      DenseIndex index = 0;
      Device device = ReadDevice(query, index);
      after = device.id.value;
      if (device.delete_time_us != 0) continue;
      FillStatus(node, index, false, device.status);
      if (!visit(device)) return;
    }
  }
}

void SqliteState::ScanStatuses(
    OrganizationId organization,
    const std::function<bool(DeviceId, const DeviceStatus&)>& visit) const {
  const NodeState node = Published();
  const size_t count = devices_.size();
  for (DenseIndex next = 0; next < count;) {
    for (const DeviceTable::LiveRow& live : devices_.LiveRows(organization.value, next, next)) {
      DeviceStatus status;
      status.online = OnlineOf(node, live.row, live.online);
      status.last_check_in_us = live.row.time_us;
      GiveNumbers(live.row, status);
      if (!visit(DeviceId{live.id}, status)) return;
    }
  }
}

std::vector<DeviceEvent> SqliteState::ListDeviceEvents(DeviceId device, size_t limit) const {
  std::vector<DeviceEvent> events;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT device, seq, time_us, kind, message FROM events WHERE device = ?1 AND seq >= "
              "(SELECT events_from FROM devices WHERE id = ?1) ORDER BY seq DESC LIMIT ?2",
              KeyOf(device.value), limit);
  while (query.Step()) events.push_back(ReadEvent(query));
  return events;
}

std::vector<DeviceEvent> SqliteState::ListEvents(OrganizationId organization,
                                                 const EventQuery& wanted, uint64_t before,
                                                 size_t limit) const {
  std::vector<DeviceEvent> events;
  auto db = readers_.Get();
  // Read along the index that has them in order, until there are enough.
  const std::string text = absl::StrCat(
      "SELECT e.device, e.seq, e.time_us, e.kind, e.message "
      "FROM events e CROSS JOIN devices d ON d.id = e.device WHERE ",
      wanted.device ? "e.device = ?1" : "+e.device >= ?1",
      " AND d.organization = ?2 AND e.seq >= d.events_from AND e.seq < ?3 AND e.time_us >= ?4 "
      "ORDER BY e.seq DESC");
  Query query(*db, text.c_str(), KeyOf(wanted.device.value), KeyOf(organization.value),
              before == 0 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(before),
              wanted.since_us);
  while (events.size() < limit && query.Step()) {
    DeviceEvent event = ReadEvent(query);
    const bool fits = wanted.kinds.empty() || std::find(wanted.kinds.begin(), wanted.kinds.end(),
                                                        event.kind) != wanted.kinds.end();
    if (fits) events.push_back(std::move(event));
  }
  return events;
}

SqliteState::EdgeDevices SqliteState::ListEdgeDevices(absl::string_view edge, uint64_t after,
                                                      size_t limit) const {
  EdgeDevices answer;
  const std::optional<EdgeCore> core = edges_.Find(edge);
  if (!core.has_value()) return answer;
  const int64_t now_us = Published().state_time_us;
  const size_t count = devices_.size();
  DenseIndex from = static_cast<DenseIndex>(after);
  // AtEdge looks at one slab a call; a page may need many where an edge has few devices.
  while (from < count && answer.devices.size() < limit) {
    const size_t room = limit - answer.devices.size();
    for (const DenseIndex index : devices_.AtEdge(core->number, now_us, from, room, from)) {
      answer.devices.push_back(KeyRecordOf(devices_.Core(index), devices_.Extra(index)));
    }
  }
  answer.next = from < count ? from : 0;
  return answer;
}

std::vector<SqliteState::Revocation> SqliteState::ListRevocations(DeviceId after,
                                                                  size_t limit) const {
  std::vector<Revocation> rows;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT id, least_epoch FROM devices WHERE (least_epoch > 1 OR delete_us > 0) "
              "AND release_us = 0 AND id > ? ORDER BY id LIMIT ?",
              KeyOf(after.value), limit);
  while (query.Step()) {
    rows.push_back({DeviceId{IdOf(query.Int(0))}, static_cast<uint32_t>(query.Int(1))});
  }
  return rows;
}

}  // namespace muster::server
