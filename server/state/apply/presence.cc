#include "server/state/apply/presence.h"

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/ids/ids.h"
#include "server/command_log/log/feature_level.h"
#include "server/state/apply/live_device.h"

namespace muster::server {
namespace {

// A turn costs some 20 us; who is left over is found by the next Tick.
constexpr size_t kMostAtOnce = 10'000;

// Below it the nodes of a cluster would write different rows.
bool IsDecidedHere(const ApplyContext& context) {
  return context.node.feature_level >= kPresenceLevel;
}

// What is known of time for devices of each edge; looked up once a walk.
class EdgeClocks {
 public:
  explicit EdgeClocks(const ApplyContext& context)
      : context_(context), clocks_(context.edges.size()) {}

  // Judged by the newest edge: only it can say that it has not heard the router since.
  const Clocks& Of(uint16_t edge) {
    std::optional<Clocks>& clocks = clocks_[edge];
    if (!clocks.has_value()) clocks = ClocksOf(context_.node, context_.edges.Get(edge));
    return *clocks;
  }

 private:
  const ApplyContext& context_;
  std::vector<std::optional<Clocks>> clocks_;
};

// MarkChangedDevices writes the row.
void Decide(ApplyContext& context, DenseIndex index, OnlineState online) {
  DeviceCore core = context.devices.Core(index);
  core.online = online;
  context.devices.SetCore(index, core);
  TellOfDevice(context, core, ChangeKind::kDeviceOnline);
}

// At most so many; true where there may be more.
bool DecideWhoIsSilent(ApplyContext& context) {
  EdgeClocks clocks(context);
  std::vector<std::pair<DenseIndex, OnlineState>> silent;
  const auto look = [&](DenseIndex index, const StatusRow& row, OnlineState before) {
    const OnlineState now = Judge(row, clocks.Of(row.edge[0]));
    // Of one whose edge was silent nothing is proved by the edge's return.
    if (now != OnlineState::kOnline && now != before) silent.emplace_back(index, now);
    return silent.size() < kMostAtOnce;
  };
  context.devices.ForOverdue(context.now_us(), look);
  for (const auto& [index, now] : silent) Decide(context, index, now);
  return silent.size() == kMostAtOnce;
}

}  // namespace

Clocks ClocksOf(const NodeState& node, const EdgeCore& edge) {
  return {node.state_time_us, node.jump_from_us, node.jump_hold_until_us, edge.watermark_us,
          edge.watermark_seen_us};
}

void LookForSilence(ApplyContext& context) {
  if (IsDecidedHere(context)) DecideWhoIsSilent(context);
}

void DecideForAll(ApplyContext& context) {
  while (DecideWhoIsSilent(context)) {
  }
}

void HearOf(ApplyContext& context, const DeviceTable::Taken& taken) {
  if (taken.core.online == OnlineState::kOnline) {
    if (taken.change.first) TellOfDevice(context, taken.core, ChangeKind::kDeviceOnline);
    return;
  }
  // What waited at an edge may be of a time that is over: the router may have died since. Asked is
  // the edge and not the time alone, since clocks of edges differ from the log's.
  const StatusRow row = context.devices.Row(taken.index);
  const OnlineState now = Judge(row, ClocksOf(context.node, context.edges.Get(row.edge[0])));
  if (now == OnlineState::kOnline) Decide(context, taken.index, now);
}

void MarkChangedDevices(ApplyContext& context) {
  if (!IsDecidedHere(context)) return;
  std::set<std::pair<OrganizationId, DeviceId>> marked;
  for (const Change& change : context.changes.changes) {
    if (change.kind != ChangeKind::kDevice && change.kind != ChangeKind::kDeviceOnline) continue;
    if (!marked.emplace(change.organization, change.device).second) continue;
    const auto device = context.devices.FindBoth(change.device.value);
    if (!device.has_value()) continue;
    if (device->core.organization == change.organization.value) {
      context.db.Run("UPDATE devices SET change_idx = ?, online = ? WHERE id = ?", context.index,
                     device->core.online, KeyOf(change.device.value));
      continue;
    }
    // It was moved away.
    context.db.Run(
        "INSERT INTO departures (organization, device, change_idx) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (organization, device) DO UPDATE SET change_idx = ?3",
        KeyOf(change.organization.value), KeyOf(change.device.value), context.index);
  }
}

}  // namespace muster::server
