// What a check-in makes of a row, and who is online. Pure arithmetic on integers: a start replays
// it, other nodes repeat it, and all must come to the same bits.
#include "server/state/status_row.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace muster::server {
namespace {

using internal::v1::CheckIn;

constexpr int64_t kSecondUs = 1'000'000;
// A router behind two uplinks would else write an event with each beat.
constexpr uint32_t kAddressEventGapSeconds = 600;
// With three intervals of 30 s: 92 s after the last check-in.
constexpr int64_t kGraceUs = 2 * kSecondUs;
// An edge that has said nothing for this long can't tell who is offline.
// Edges speak each second; a frozen one is noticed by keepalive after 7 s at worst.
constexpr int64_t kEdgeSilentUs = 7 * kSecondUs;
constexpr size_t kMaxBootBytes = 64;

template <typename Narrow, typename Wide>
// A figure beyond its field is the largest it can hold, never what is left after cutting bits off.
Narrow Clamp(Wide value) {
  return static_cast<Narrow>(
      std::min<uint64_t>(static_cast<uint64_t>(value), std::numeric_limits<Narrow>::max()));
}

// A number that this check-in lacks is gone, not as it was: a gap is shown as a gap. A small body
// has none.
template <typename T, typename V>
void Take(StatusRow& row, Present bit, bool has, V value, T& field) {
  field = has ? Clamp<T>(value) : T{0};
  row.present = static_cast<uint16_t>(has ? row.present | bit : row.present & ~bit);
}

void TakeNumbers(StatusRow& row, const CheckIn& c) {
  Take(row, kHasUptime, c.has_uptime_seconds(), c.uptime_seconds(), row.uptime_seconds);
  Take(row, kHasCpuLoad, c.has_cpu_load_percent(), c.cpu_load_percent(), row.cpu_load_percent);
  Take(row, kHasCpuCount, c.has_cpu_count(), c.cpu_count(), row.cpu_count);
  Take(row, kHasCpuFrequency, c.has_cpu_frequency_mhz(), c.cpu_frequency_mhz(),
       row.cpu_frequency_mhz);
  Take(row, kHasMemoryFree, c.has_memory_free_bytes(), c.memory_free_bytes(),
       row.memory_free_bytes);
  Take(row, kHasMemoryTotal, c.has_memory_total_bytes(), c.memory_total_bytes(),
       row.memory_total_bytes);
  Take(row, kHasDiskFree, c.has_disk_free_bytes(), c.disk_free_bytes(), row.disk_free_bytes);
  Take(row, kHasDiskTotal, c.has_disk_total_bytes(), c.disk_total_bytes(), row.disk_total_bytes);
  Take(row, kHasBadBlocks, c.has_bad_blocks_millipercent(), c.bad_blocks_millipercent(),
       row.bad_blocks_millipercent);
  Take(row, kHasSectorsWritten, c.has_sectors_written(), c.sectors_written(), row.sectors_written);
  Take(row, kHasAgentErrors, c.has_agent_errors(), c.agent_errors(), row.agent_errors);
}

// True where the address was another one before.
bool TakeAddress(StatusRow& row, const std::string& address) {
  // Anything else is no address; the row has none then, and no event comes of it.
  const size_t size = address.size() == 4 || address.size() == 16 ? address.size() : 0;
  std::array<uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), address.data(), size);
  const bool known = row.address_bytes != 0;
  const bool same = row.address_bytes == size && row.address == bytes;
  row.address = bytes;
  row.address_bytes = static_cast<uint8_t>(size);
  return known && size != 0 && !same;
}

// Moves the edge to the front; true where it had not heard the device for a while.
bool TakeEdge(StatusRow& row, uint16_t edge, uint32_t now_s) {
  // The place of this edge, or the last place, whose edge gives way.
  int at = 0;
  while (at < kRecentEdges - 1 && row.edge[at] != edge) ++at;
  const bool known = row.edge[at] == edge;
  // Its record and job may be gone from there after 10 minutes.
  const bool recent = known && now_s <= row.edge_s[at] + kRecentEdgeUs / kSecondUs;
  for (; at > 0; --at) {
    row.edge[at] = row.edge[at - 1];
    row.edge_s[at] = row.edge_s[at - 1];
  }
  row.edge[0] = edge;
  row.edge_s[0] = now_s;
  return !recent;
}

}  // namespace

uint64_t BootHash(const std::string& boot) {
  // FNV-1a: equality only, and the same on every machine.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : boot) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return boot.empty() ? 0 : hash;
}

absl::string_view ObjectionTo(const CheckIn& c, int64_t base_time_us) {
  int64_t time_us = 0;
  // The difference comes from an edge and may be anything.
  if (__builtin_add_overflow(base_time_us, c.time_delta_us(), &time_us) || time_us <= 0 ||
      time_us > kMaxTimeUs) {
    return "time out of range";
  }
  if (c.boot().size() > kMaxBootBytes) return "boot nonce too long";
  if (c.last_number() > kMaxNumber || c.running_number() > kMaxNumber) {
    return "job number out of range";
  }
  return "";
}

RowChange TakeCheckIn(StatusRow& row, const CheckIn& check_in, int64_t time_us, uint16_t edge) {
  RowChange change;
  // Older ones change nothing at all: a batch that was held up must not bring back an old address,
  // boot or interval.
  if (time_us <= row.time_us) return change;
  const uint32_t now_s = Clamp<uint32_t>(time_us / kSecondUs);
  change.taken = true;
  change.first = row.time_us == 0;
  row.time_us = time_us;
  const uint64_t boot = BootHash(check_in.boot());
  // Two boots are remembered: a router makes a new nonce per boot, so the one before the last can
  // come back only from another router.
  if (boot != 0 && boot != row.boot_hash) {
    change.new_boot = row.boot_hash != 0;
    change.boot_returned = boot == row.previous_boot_hash;
    row.previous_boot_hash = row.boot_hash;
    row.boot_hash = boot;
  }
  if (TakeAddress(row, check_in.source_address()) &&
      now_s >= row.address_event_s + kAddressEventGapSeconds) {
    row.address_event_s = now_s;
    change.address_event = true;
  }
  change.new_edge = TakeEdge(row, edge, now_s);
  // The reply that set the longer interval may be the one the router lives by.
  row.previous_interval_s = row.interval_s;
  row.interval_s = Clamp<uint16_t>(check_in.interval_seconds());
  TakeNumbers(row, check_in);
  return change;
}

int64_t DeadlineUs(const StatusRow& row) {
  if (row.time_us == 0) return 0;
  const int64_t interval = std::max(row.interval_s, row.previous_interval_s);
  return row.time_us + 3 * interval * kSecondUs + kGraceUs;
}

OnlineState Judge(const StatusRow& row, const Clocks& clocks) {
  if (row.time_us == 0) return OnlineState::kNever;
  const int64_t deadline = DeadlineUs(row);
  if (clocks.state_time_us <= deadline) return OnlineState::kOnline;
  // A jump proves nothing: who was online before it stays so until the hold ends.
  if (clocks.state_time_us < clocks.jump_hold_until_us && deadline >= clocks.jump_from_us) {
    return OnlineState::kOnline;
  }
  // Proof: the edge has said that all check-ins up to after the deadline are here, and there was
  // none of this router.
  if (clocks.watermark_us > deadline) return OnlineState::kOffline;
  // No proof yet. An edge that speaks will say it within a second; of one that is silent nobody
  // knows, and its routers are not to blame.
  const bool edge_speaks = clocks.state_time_us - clocks.watermark_seen_us <= kEdgeSilentUs;
  return edge_speaks ? OnlineState::kOnline : OnlineState::kUnknown;
}

}  // namespace muster::server
