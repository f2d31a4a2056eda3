#include "server/jobs/window_book.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "server/access/resource_names.h"
#include "server/errors/errors.h"
#include "server/jobs/window_times.h"

namespace muster::server {
namespace {

// Half of it may pass without a renewal (musterd stopped, say) and windows still open on time.
constexpr int kWeeks = 6;
constexpr int64_t kRenewBelowUs = int64_t{21 * 86'400} * 1'000'000;
constexpr size_t kPage = 1'000;
// As apply says.
constexpr size_t kMostWindows = 500;

absl::Status CheckAim(const MaintenanceWindow& window) {
  const int aims = int{static_cast<bool>(window.device)} + int{!window.site.empty()} +
                   int{!window.label_key.empty()};
  if (aims != 1) return BadField("window.device", "give exactly one of device, site and label");
  return CheckText("window.site", window.site, 128, false);
}

absl::StatusOr<std::vector<MaintenanceWindow::Interval>> NextIntervals(
    const MaintenanceWindow& window, absl::Time now) {
  ASSIGN_OR_RETURN(const std::vector<WeeklyTime> times, ParseWindowTimes(window.times));
  ASSIGN_OR_RETURN(const absl::TimeZone zone, FindTimeZone(window.time_zone));
  std::vector<MaintenanceWindow::Interval> intervals = IntervalsOf(times, zone, now, kWeeks);
  if (intervals.empty()) return BadField("window.times", "is never open");
  return intervals;
}

template <typename Message>
void Put(const std::vector<MaintenanceWindow::Interval>& intervals, Message& message) {
  for (const MaintenanceWindow::Interval& one : intervals) {
    internal::v1::Interval* interval = message.add_intervals();
    interval->set_start_us(one.start_us);
    interval->set_end_us(one.end_us);
  }
}

}  // namespace

absl::StatusOr<MaintenanceWindow> WindowBook::Set(const OrganizationScope& scope,
                                                  const AuditedCall& call,
                                                  const MaintenanceWindow& window) {
  if (!IsSlug(window.name)) {
    return BadField(
        "window.name",
        "wants 2 to 32 lower-case letters, digits and hyphens, beginning with a letter");
  }
  RETURN_IF_ERROR(CheckAim(window));
  if (window.device) RETURN_IF_ERROR(devices_.Get(scope, window.device).status());
  if (!window.label_key.empty()) {
    RETURN_IF_ERROR(CheckLabels("window.label", {{window.label_key, window.label_value}}));
  }
  if (window.times.size() > 256) return BadField("window.times", "wants at most 256 bytes");
  // State time, because it is by state time that apply will open them.
  ASSIGN_OR_RETURN(const auto intervals, NextIntervals(window, state_.StateTime()));
  const std::vector<MaintenanceWindow> there = state_.ListWindows(scope.id());
  const bool is_new = std::none_of(there.begin(), there.end(), [&](const MaintenanceWindow& one) {
    return one.name == window.name;
  });
  if (call.validate_only) {
    if (is_new && there.size() >= kMostWindows) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", kMostWindows, " windows; delete some"));
    }
    MaintenanceWindow would = window;
    would.intervals = intervals;
    return would;
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  internal::v1::SetWindow& set = *command.mutable_set_window();
  set.set_organization_id(scope.id().value);
  set.set_name(window.name);
  set.set_device_id(window.device.value);
  set.set_site(window.site);
  set.set_label_key(window.label_key);
  set.set_label_value(window.label_value);
  set.set_times(window.times);
  set.set_time_zone(window.time_zone);
  Put(intervals, set);
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  // Read back: somebody may have set it once more meanwhile.
  for (MaintenanceWindow& now : state_.ListWindows(scope.id())) {
    if (now.name == window.name) return std::move(now);
  }
  return UnknownResource(absl::StrCat(scope.name(), "/windows/", window.name));
}

std::vector<MaintenanceWindow> WindowBook::List(const OrganizationScope& scope) const {
  return state_.ListWindows(scope.id());
}

absl::Status WindowBook::Delete(const OrganizationScope& scope, const AuditedCall& call,
                                const std::string& name) {
  if (call.validate_only) {
    for (const MaintenanceWindow& window : state_.ListWindows(scope.id())) {
      if (window.name == name) return absl::OkStatus();
    }
    return UnknownResource(absl::StrCat(scope.name(), "/windows/", name));
  }
  internal::v1::Command command = StartCommand(scope.caller(), scope.id(), call);
  command.mutable_delete_window()->set_organization_id(scope.id().value);
  command.mutable_delete_window()->set_name(name);
  const absl::Status status = log_.Propose(std::move(command)).status();
  if (!absl::IsNotFound(status)) return status;
  return UnknownResource(absl::StrCat(scope.name(), "/windows/", name));
}

void WindowBook::RenewAll() {
  const absl::Time now = state_.StateTime();
  std::string after;
  for (bool more = true; more;) {
    const std::vector<Organization> page = state_.ListOrganizations(after, kPage);
    more = page.size() == kPage;
    for (const Organization& organization : page) {
      after = organization.slug;
      for (const MaintenanceWindow& window : state_.ListWindows(organization.id)) {
        const int64_t until_us = window.intervals.empty() ? 0 : window.intervals.back().end_us;
        // Nearly always: one read an hour, and nothing proposed.
        if (until_us - absl::ToUnixMicros(now) >= kRenewBelowUs) continue;
        const auto intervals = NextIntervals(window, now);
        if (!intervals.ok()) {
          // The others are renewed all the same. A zone that this machine's data have lost closes
          // the window, which is the safe side.
          LogWarning("jobs", "a maintenance window can't be renewed",
                     {{"window", window.name}, {"why", std::string(intervals.status().message())}});
          continue;
        }
        internal::v1::Command command;
        command.mutable_actor()->set_principal("musterd");
        command.set_method("RenewWindow");
        internal::v1::RenewWindow& renew = *command.mutable_renew_window();
        renew.set_organization_id(organization.id.value);
        renew.set_name(window.name);
        renew.set_times(window.times);
        renew.set_time_zone(window.time_zone);
        Put(*intervals, renew);
        // The log is stopping or full: the next hour tries again.
        if (!log_.Propose(std::move(command)).ok()) return;
      }
    }
  }
}

}  // namespace muster::server
