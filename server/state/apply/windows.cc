// Maintenance windows. Their times are worked out by the proposer, because time zones come from
// files that may differ between nodes; apply sees only intervals in microseconds.
#include "server/state/apply/windows.h"

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/state/apply/apply.h"

namespace muster::server {
namespace {

using internal::v1::SetWindow;

// Six weeks of 20 parts, each on every day, are 860.
constexpr int kMostIntervals = 1'000;
constexpr int64_t kMostWindows = 500;
constexpr size_t kMaxTextBytes = 256;

template <typename Intervals>
// Ascending and apart, so that the last one ends last (`until_us`).
bool AreSound(const Intervals& intervals) {
  int64_t last_us = 0;
  for (const internal::v1::Interval& one : intervals) {
    if (one.start_us() < last_us || one.end_us() <= one.start_us()) return false;
    last_us = one.end_us();
  }
  return !intervals.empty() && intervals.size() <= kMostIntervals;
}

template <typename Repeated>
std::string Pack(const Repeated& intervals) {
  internal::v1::Intervals packed;
  *packed.mutable_intervals() = intervals;
  return packed.SerializeAsString();
}

absl::Status Check(ApplyContext& context, const SetWindow& command) {
  // One aim a window: with two it would have to be said whether both or either counts.
  const int aims = int{command.device_id() != 0} + int{!command.site().empty()} +
                   int{!command.label_key().empty()};
  if (aims != 1 || command.name().empty() || command.name().size() > kMaxTextBytes ||
      command.site().size() > kMaxTextBytes || command.label_key().size() > kMaxTextBytes ||
      command.label_value().size() > kMaxTextBytes || command.times().size() > kMaxTextBytes ||
      command.time_zone().size() > kMaxTextBytes || !AreSound(command.intervals())) {
    return Malformed("window");
  }
  if (OrganizationName(context.db, command.organization_id()).empty()) {
    return UnknownThing("organization", FormatId(command.organization_id()));
  }
  Query query(context.db, "SELECT count(*) FROM windows WHERE organization = ?",
              KeyOf(command.organization_id()));
  if (query.Step() && query.Int(0) >= kMostWindows) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", kMostWindows, " windows; delete some"));
  }
  return absl::OkStatus();
}

void Audit(ApplyContext& context, uint64_t organization, const std::string& name,
           absl::string_view what) {
  WriteAudit(context, absl::StrCat(OrganizationName(context.db, organization), "/windows/", name),
             organization, what);
}

}  // namespace

std::vector<MaintenanceWindow> ReadWindows(
    Database& db, uint64_t organization, absl::FunctionRef<bool(const MaintenanceWindow&)> wanted) {
  std::vector<MaintenanceWindow> windows;
  Query query(db,
              "SELECT name, device, site, label_key, label_value, times, time_zone, intervals "
              "FROM windows WHERE organization = ? ORDER BY name",
              KeyOf(organization));
  while (query.Step()) {
    MaintenanceWindow window;
    window.name = query.Text(0);
    window.device = DeviceId{IdOf(query.Int(1))};
    window.site = query.Text(2);
    window.label_key = query.Text(3);
    window.label_value = query.Text(4);
    window.times = query.Text(5);
    window.time_zone = query.Text(6);
    // Up to a thousand intervals: not unpacked for a device that they are not for.
    if (!wanted(window)) continue;
    internal::v1::Intervals packed;
    const absl::string_view bytes = query.View(7);
    packed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    for (const internal::v1::Interval& one : packed.intervals()) {
      window.intervals.push_back({one.start_us(), one.end_us()});
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

WindowState WindowsOf(ApplyContext& context, uint64_t organization, uint64_t device) {
  {
    // Open for ever: most organizations have none, and pay one look for it.
    Query any(context.db, "SELECT 1 FROM windows WHERE organization = ? LIMIT 1",
              KeyOf(organization));
    if (!any.Step()) return {};
  }
  Query query(context.db, "SELECT site, labels FROM devices WHERE id = ?", KeyOf(device));
  if (!query.Step()) return {};
  const std::string site = query.Text(0);
  const std::map<std::string, std::string> labels = DecodeLabels(query.View(1));
  return StateOfWindows(ReadWindows(context.db, organization,
                                    [&](const MaintenanceWindow& window) {
                                      return IsFor(window, DeviceId{device}, site, labels);
                                    }),
                        context.now_us());
}

ApplyResult Apply(ApplyContext& context, const SetWindow& command) {
  if (auto status = Check(context, command); !status.ok()) return status;
  context.db.Run(
      "INSERT OR REPLACE INTO windows (organization, name, device, site, label_key, label_value, "
      "times, time_zone, intervals, until_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      KeyOf(command.organization_id()), command.name(), KeyOf(command.device_id()), command.site(),
      command.label_key(), command.label_value(), command.times(), command.time_zone(),
      Blob{Pack(command.intervals())}, command.intervals().rbegin()->end_us());
  Audit(context, command.organization_id(), command.name(),
        absl::StrCat("set the window: ", command.times(), " ", command.time_zone()));
  return internal::v1::Result();
}

ApplyResult Apply(ApplyContext& context, const internal::v1::DeleteWindow& command) {
  context.db.Run("DELETE FROM windows WHERE organization = ? AND name = ?",
                 KeyOf(command.organization_id()), command.name());
  if (context.db.Changes() == 0) return UnknownThing("window", command.name());
  Audit(context, command.organization_id(), command.name(), "deleted the window");
  return internal::v1::Result();
}

ApplyResult Apply(ApplyContext& context, const internal::v1::RenewWindow& command) {
  if (!AreSound(command.intervals())) return Malformed("intervals of a window");
  context.db.Run(
      // Only where times and zone are those that the intervals were made of: the window may have
      // been set anew since.
      "UPDATE windows SET intervals = ?, until_us = ? WHERE organization = ? AND name = ? AND "
      "times = ? AND time_zone = ?",
      Blob{Pack(command.intervals())}, command.intervals().rbegin()->end_us(),
      KeyOf(command.organization_id()), command.name(), command.times(), command.time_zone());
  return internal::v1::Result();
}

}  // namespace muster::server
