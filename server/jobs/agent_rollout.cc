#include "server/jobs/agent_rollout.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "routeros/script/agent.h"
#include "server/errors/errors.h"
#include "server/pki/router_roots.h"

namespace muster::server {
namespace {

// Routers that are away for a month come back to the old agent and to the next upgrade.
constexpr absl::Duration kUpgradeLife = absl::Hours(24 * 30);
// One canary, then 100 at a time, no failure.
constexpr JobWaves kDefaultWaves = {1, 100, 0, 0, 0};

// What the device would report after an upgrade that changes no setting.
// The generation is the device's own and rises with its settings.
std::string WantedOf(const Device& device) {
  const std::string version = AgentRollout::CurrentVersion();
  return device.agent_generation == 0 ? version
                                      : absl::StrCat(version, "+", device.agent_generation);
}

// Monitor-only agents can't change themselves; one that never said its version may not be able to
// either. `roots` are those that text pins now; an agent that says nothing of them is behind by its
// version.
bool IsBehind(const Device& device, absl::string_view roots) {
  if (device.monitor_only || device.agent_version.empty()) return false;
  return device.agent_version != WantedOf(device) ||
         (!device.router_roots.empty() && device.router_roots != roots);
}

}  // namespace

std::string AgentRollout::CurrentVersion() { return std::string(routeros::AgentVersion()); }

absl::StatusOr<std::vector<AgentCount>> AgentRollout::Count(const OrganizationScope& scope) const {
  ASSIGN_OR_RETURN(const std::string roots, TrustedRootMarks(state_));
  std::map<std::string, AgentCount> counts;
  state_.ScanDevices(scope.id(), [&](const Device& device) {
    AgentCount& count = counts[device.agent_version];
    count.agent = device.agent_version;
    ++count.devices;
    if (device.status.online == OnlineState::kOnline) ++count.online;
    if (IsBehind(device, roots)) ++count.behind;
    return true;
  });
  std::vector<AgentCount> rows;
  for (auto& [agent, count] : counts) rows.push_back(std::move(count));
  // Among equals by name, as the map had them.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const AgentCount& a, const AgentCount& b) { return a.devices > b.devices; });
  return rows;
}

absl::StatusOr<Job> AgentRollout::Upgrade(const OrganizationScope& scope, const AuditedCall& call,
                                          const AgentUpgrade& upgrade, bool validate_only) {
  RETURN_IF_ERROR(CheckAgentUrls("urls", upgrade.urls));
  ASSIGN_OR_RETURN(const std::string roots, TrustedRootMarks(state_));
  NewJob terms;
  absl::StatusOr<Filter> filter =
      Filter::Parse(upgrade.filter_text.empty() ? "name = \"*\"" : upgrade.filter_text);
  if (!filter.ok()) return BadField("filter", filter.status());
  devices_.VisitMatches(scope, *filter, [&](const Device& device) {
    // New URLs change the text of everyone, a profile that of those with another one.
    const bool changes =
        !upgrade.urls.empty() || upgrade.profile.value_or(device.profile) != device.profile;
    if (device.monitor_only || (!changes && !IsBehind(device, roots))) return true;
    terms.devices.push_back(device.id);
    return true;
  });
  // No job without targets: it would seem to have worked.
  if (terms.devices.empty()) {
    return NoTargets("no device that matches is behind; see: muster agent list");
  }
  terms.agent.emplace();
  terms.agent->version = CurrentVersion();
  terms.agent->urls = upgrade.urls;
  terms.agent->profile = upgrade.profile;
  terms.agent->router_roots = roots;
  terms.not_before_us = upgrade.not_before_us;
  terms.ignore_windows = upgrade.ignore_windows;
  terms.description = absl::StrCat("agent ", terms.agent->version);
  terms.waves = upgrade.waves.value_or(kDefaultWaves);
  // Waves are what opens its targets.
  if (terms.waves->canary_count == 0 && terms.waves->batch_size == 0) {
    terms.waves->batch_size = static_cast<uint32_t>(terms.devices.size());
  }
  terms.not_after_us = std::max(terms.not_before_us, absl::ToUnixMicros(state_.StateTime())) +
                       absl::ToInt64Microseconds(kUpgradeLife);
  // Named devices from here on: the text of the filter doesn't say "and is behind".
  return board_.Create(scope, call, terms, validate_only);
}

}  // namespace muster::server
