// From what is known of a device to sentences for people. Each check looks at one thing and says at
// most a few findings; each finding has a next step that can be pasted, since whoever reads it may
// not know RouterOS well.
#include "server/devices/diagnosis.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/event_kinds/event_kinds.h"
#include "routeros/script/agent.h"
#include "routeros/script/texts.h"
#include "routeros/script/version.h"

namespace muster::server {
namespace {

using Findings = std::vector<DiagnosisFinding>;

// Of a right, or the owner, in what the agent reports.
constexpr absl::string_view kLost = "no-";
constexpr absl::Duration kMostZone = absl::Hours(14);
// Zones are whole quarters of an hour (Nepal has 5:45).
constexpr absl::Duration kZoneStep = absl::Minutes(15);
// A beat takes some seconds to be written and sent.
constexpr absl::Duration kSkewTolerated = absl::Minutes(2);
// Small boards have 16 MB of flash; below a few KiB RouterOS drops changes silently.
constexpr uint64_t kLeastDiskBytes = 1 << 20;
constexpr uint64_t kMostMemoryPercent = 90;
constexpr int kManyReboots = 3;
constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

std::string Id(const Device& device) { return FormatId(device.id); }

// Rough on purpose: "3 min ago" is what helps.
std::string Ago(int64_t time_us, int64_t now_us) {
  const absl::Duration ago = absl::Microseconds(now_us - time_us);
  if (ago < absl::Minutes(2)) return absl::StrCat(absl::ToInt64Seconds(ago), " s ago");
  if (ago < absl::Hours(2)) return absl::StrCat(absl::ToInt64Minutes(ago), " min ago");
  if (ago < absl::Hours(48)) return absl::StrCat(absl::ToInt64Hours(ago), " h ago");
  return absl::StrCat(absl::ToInt64Hours(ago) / 24, " days ago");
}

void Add(Findings& findings, FindingLevel level, absl::string_view code, std::string message,
         std::string next_step) {
  findings.push_back({level, std::string(code), std::move(message), std::move(next_step)});
}

void CheckPresence(const DiagnosisFacts& facts, Findings& findings) {
  const Device& device = facts.device;
  const DeviceStatus& status = device.status;
  if (device.delete_time_us != 0) {
    return Add(findings, FindingLevel::kProblem, "deleted",
               absl::StrCat("the device was deleted ", Ago(device.delete_time_us, facts.now_us),
                            "; its token is refused"),
               "let the router join again: muster claim create, and paste the line");
  }
  switch (status.online) {
    case OnlineState::kOnline:
      return;
    case OnlineState::kNever:
      return Add(findings, FindingLevel::kProblem, "never-checked-in",
                 "it has joined, but never checked in",
                 "look at the router: /log print where topics~\"script\" or message~\"fetch\"; "
                 "then run /system script run muster-beat there");
    // Never blamed on the router.
    case OnlineState::kUnknown:
      return Add(findings, FindingLevel::kProblem, "edge-silent",
                 absl::StrCat("nobody knows: edge ", status.edge,
                              ", which heard it last, says nothing to the control plane, or has "
                              "not caught up yet"),
                 "look at the edge, not at the router: muster edge list");
    case OnlineState::kOffline:
      return Add(findings, FindingLevel::kProblem, "offline",
                 absl::StrCat("it was last heard ", Ago(status.last_check_in_us, facts.now_us),
                              " through edge ", status.edge),
                 "check its power and uplink; if you reach it another way, run /system script run "
                 "muster-beat there and read what it says");
  }
}

// What a refusal means to somebody who has to mend it.
std::string AdviceFor(const Device& device, uint32_t http_status) {
  switch (http_status) {
    // The commonest cause first; the new line mends all of them.
    case 401:
      return absl::StrCat(
          "the router shows a token that is not good any more (restored from an "
          "old backup, cloned, or revoked): paste a new line there, made by muster "
          "claim create --replace ",
          Id(device));
    case 413:
      return "the router sends more than the edge takes; report it with the router's version";
    case 429:
      return "many routers behind one address, or a flood: look at the edge's log for the address";
    case 503:
      return "the edge could not hand it on: look at the control plane (muster edge list); the "
             "router tries again by itself";
    default:
      return "look at the router's log: /log print where message~\"fetch\"; then at the edge's log";
  }
}

void CheckContacts(const DiagnosisFacts& facts, Findings& findings) {
  if (!facts.contacts.ok()) {
    // Said already: it never checked in, so no edge knows it.
    if (facts.device.status.last_check_in_us == 0) return;
    return Add(findings, FindingLevel::kNotice, "no-contacts",
               absl::StrCat("the edge did not say what it remembers of the router: ",
                            std::string(facts.contacts.status().message())),
               "muster edge list shows whether it is connected; ask again then");
  }
  std::vector<const DeviceContact*> refused;
  for (const DeviceContact& contact : facts.contacts->contacts) {
    if (contact.kind == ContactKind::kRefused) refused.push_back(&contact);
  }
  if (refused.empty()) return;
  const DeviceContact& newest = *refused.front();
  // Newest first: the last call decides whether it is over.
  const bool still = facts.contacts->contacts.front().kind == ContactKind::kRefused;
  Add(findings, still ? FindingLevel::kProblem : FindingLevel::kWarning,
      newest.http_status == 401 ? "token-refused" : "refused",
      absl::StrCat(refused.size(), " of its last ", facts.contacts->contacts.size(),
                   " calls were refused, the last ", Ago(newest.time_us, facts.now_us), ": HTTP ",
                   newest.http_status, newest.reason.empty() ? "" : ", ", newest.reason),
      AdviceFor(facts.device, newest.http_status));
}

void CheckVersion(const DiagnosisFacts& facts, Findings& findings) {
  const std::string& version = facts.device.routeros_version;
  if (version.empty() || routeros::ParseVersion(version).ok()) return;
  Add(findings, FindingLevel::kProblem, "version-unreadable",
      absl::StrCat("it says that it runs RouterOS \"", version,
                   "\", which can't be read as a version: its jobs wait at the edge"),
      "look at /system resource print on the router; install a released version there, and report "
      "the text if it is one");
}

void CheckClock(const DiagnosisFacts& facts, Findings& findings) {
  const DeviceStatus& status = facts.device.status;
  // A wrong clock breaks certificates (not yet valid) and makes logs useless.
  const auto skew = ClockSkew(status.router_clock, absl::FromUnixMicros(status.last_check_in_us));
  if (!skew.has_value() || (*skew<kSkewTolerated&& * skew> - kSkewTolerated)) return;
  Add(findings, FindingLevel::kWarning, "clock-wrong",
      absl::StrCat("its clock says ", status.router_clock, ", ",
                   absl::FormatDuration(absl::Trunc(absl::AbsDuration(*skew), absl::Seconds(1))),
                   *skew > absl::ZeroDuration() ? " ahead" : " behind"),
      "set up NTP on the router, or TLS certificates and logs will mislead: /system ntp client set "
      "enabled=yes (v7 also needs servers=...)");
}

void CheckAgent(const DiagnosisFacts& facts, Findings& findings) {
  const Device& device = facts.device;
  // It joined and sent small bodies only: nothing is known of its agent.
  if (device.agent_version.empty()) return;
  // Without the generation, which says nothing about how old the text is.
  const absl::string_view version =
      absl::string_view(device.agent_version).substr(0, device.agent_version.find('+'));
  if (version != routeros::AgentVersion()) {
    Add(findings, FindingLevel::kNotice, "agent-old",
        absl::StrCat("its agent is version ", version, ", this control plane brings ",
                     routeros::AgentVersion()),
        device.monitor_only ? "paste the claim's line again: a monitor-only agent can't update "
                              "itself"
                            : absl::StrCat("muster agent upgrade --where 'id = ", Id(device), "'"));
  }
  if (OwnerIsGone(device.rights)) {
    Add(findings, FindingLevel::kProblem, "owner-gone",
        "the user who owns its agent is no longer a local user of the router, which may stop "
        "running it at its next start",
        "log in to the router as a user who stays, and paste the line of a claim again; the router "
        "keeps its identity");
  }
  const std::vector<std::string> missing = MissingRights(device.rights, WantedRights(device));
  // Rights that were never reported are not missing.
  if (!device.rights.empty() && !missing.empty()) {
    Add(findings, FindingLevel::kWarning, "rights-missing",
        absl::StrCat("its agent lacks the policies ", absl::StrJoin(missing, ", ")),
        "log in to the router as a user who has them, and paste the claim's line again");
  }
  if (device.status.agent_errors.value_or(0) > 0) {
    Add(findings, FindingLevel::kNotice, "agent-errors",
        absl::StrCat("its agent has counted ", *device.status.agent_errors, " errors of its own"),
        "look at the router: /log print where topics~\"script\"");
  }
}

std::string HoldAdvice(const Device& device) {
  switch (device.hold_kind) {
    case HoldKind::kPending:
      return absl::StrCat("look whether it is yours, then: muster device accept ", Id(device));
    // One command ends both kinds.
    case HoldKind::kReplaced:
    case HoldKind::kHardwareChanged:
      return absl::StrCat("if that is the router you mean: muster device accept-identity ",
                          Id(device));
    case HoldKind::kClone:
      return "find the second router that uses this identity and let it join as a device of its "
             "own "
             "(muster claim create)";
    case HoldKind::kRestored:
      return absl::StrCat(
          "look at its jobs, which may have run since the backup was made (muster job list "
          "--device ",
          Id(device), "), cancel what shall not run, then: muster job release --device ",
          Id(device));
    default:
      return absl::StrCat(
          "compare the router's configuration with what you expect, then: muster "
          "device resync ",
          Id(device));
  }
}

void CheckJobs(const DiagnosisFacts& facts, Findings& findings) {
  const Device& device = facts.device;
  if (device.jobs_held) {
    std::string why =
        device.hold_reason.empty() ? std::string(HoldWord(device.hold_kind)) : device.hold_reason;
    // Holds of the first schema had one reason and no words.
    if (why.empty()) why = "its configuration went back to an older state";
    Add(findings, FindingLevel::kProblem, "jobs-held",
        absl::StrCat(facts.open_targets.size(), " jobs wait for an operator: ", why),
        HoldAdvice(device));
  }
  size_t sent = 0;
  for (const JobTarget& target : facts.open_targets) {
    const bool under_way =
        target.state == JobTargetState::kSent || target.state == JobTargetState::kRunning;
    // An hour, while the longest timeout is a day: a hint and no error.
    if (under_way && facts.now_us - target.update_time_us > kDayUs / 24) ++sent;
  }
  if (sent > 0) {
    Add(findings, FindingLevel::kWarning, "job-without-end",
        absl::StrCat(sent, " jobs were sent more than an hour ago and have not ended"),
        "see muster job list; the router reports the result when it checks in again");
  }
}

void CheckHardware(const DiagnosisFacts& facts, Findings& findings) {
  const DeviceStatus& status = facts.device.status;
  if (status.disk_free_bytes.has_value() && *status.disk_free_bytes < kLeastDiskBytes) {
    Add(findings, FindingLevel::kWarning, "disk-full",
        absl::StrCat("only ", *status.disk_free_bytes / 1024, " KiB of its disk are free"),
        "remove files there (/file print); below a few KiB RouterOS loses configuration changes");
  }
  const uint64_t total = status.memory_total_bytes.value_or(0);
  // A router may report more free than there is.
  const uint64_t free = std::min(status.memory_free_bytes.value_or(total), total);
  if (total > 0 && (total - free) * 100 / total >= kMostMemoryPercent) {
    Add(findings, FindingLevel::kWarning, "memory-full",
        absl::StrCat((total - free) * 100 / total, "% of its memory are used"),
        "look for what takes it: /system resource monitor, /ip firewall connection print "
        "count-only");
  }
  // Any at all: NAND gets worse, never better.
  if (status.bad_blocks_millipercent.value_or(0) > 0) {
    Add(findings, FindingLevel::kWarning, "flash-worn", "its flash has bad blocks",
        "plan its replacement: muster claim create --replace lets the new router take its place");
  }
}

void CheckEvents(const DiagnosisFacts& facts, Findings& findings) {
  int reboots = 0;
  for (const DeviceEvent& event : facts.events) {
    if (event.kind == WordOf(EventKind::kRebooted) && facts.now_us - event.time_us < kDayUs)
      ++reboots;
  }
  if (reboots >= kManyReboots) {
    Add(findings, FindingLevel::kWarning, "reboots",
        absl::StrCat("it has rebooted ", reboots, " times within a day"),
        "look at its power supply, and at /log print after a reboot (watchdog, kernel failure)");
  }
}

}  // namespace

std::vector<DiagnosisFinding> Diagnose(const DiagnosisFacts& facts) {
  Findings findings;
  CheckPresence(facts, findings);
  // Whatever else is wrong does not matter any more.
  if (facts.device.delete_time_us != 0) return findings;
  CheckContacts(facts, findings);
  CheckJobs(facts, findings);
  CheckVersion(facts, findings);
  CheckClock(facts, findings);
  CheckAgent(facts, findings);
  CheckHardware(facts, findings);
  CheckEvents(facts, findings);
  // Stable: among equals the order of the checks, presence first.
  std::stable_sort(findings.begin(), findings.end(),
                   [](const auto& a, const auto& b) { return a.level > b.level; });
  return findings;
}

std::optional<absl::Duration> ClockSkew(absl::string_view router_clock, absl::Time check_in) {
  absl::Time clock;
  std::string error;
  std::string text(router_clock);
  // v6 writes months small, "nov/22/2026".
  const bool is_v6 = text.size() > 3 && text[3] == '/';
  if (is_v6) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  const char* format = is_v6 ? "%b/%d/%Y %H:%M:%S" : "%Y-%m-%d %H:%M:%S";
  if (text.empty() || !absl::ParseTime(format, text, &clock, &error)) return std::nullopt;
  const absl::Duration skew = clock - check_in;
  // No zone is so far off: the clock itself is wrong, by all of it.
  if (skew > kMostZone + kZoneStep || skew < -kMostZone - kZoneStep) return skew;
  // What is left over the nearest quarter of an hour.
  const absl::Duration half = kZoneStep / 2;
  return skew - absl::Floor(skew + half, kZoneStep);
}

std::vector<std::string> MissingRights(absl::string_view rights, absl::string_view wanted) {
  const std::vector<absl::string_view> has = absl::StrSplit(rights, ',', absl::SkipEmpty());
  std::vector<std::string> missing;
  const auto says = [&](absl::string_view word) {
    return std::find(has.begin(), has.end(), word) != has.end();
  };
  for (const absl::string_view policy : absl::StrSplit(wanted, ',', absl::SkipEmpty())) {
    // The agent lists what it needs, and behind it what its owner has lost since.
    const std::string lost = absl::StrCat(kLost, policy);
    if (!says(policy) || says(lost)) missing.emplace_back(policy);
  }
  return missing;
}

bool OwnerIsGone(absl::string_view rights) {
  const std::vector<absl::string_view> words = absl::StrSplit(rights, ',', absl::SkipEmpty());
  return std::find(words.begin(), words.end(), absl::StrCat(kLost, "owner")) != words.end();
}

std::vector<std::string> HeldRights(absl::string_view rights) {
  std::vector<std::string> held;
  const std::vector<std::string> lost = MissingRights(rights, rights);
  for (const absl::string_view word : absl::StrSplit(rights, ',', absl::SkipEmpty())) {
    if (absl::StartsWith(word, kLost)) continue;
    if (std::find(lost.begin(), lost.end(), word) == lost.end()) held.emplace_back(word);
  }
  return held;
}

absl::string_view WantedRights(const Device& device) {
  return device.monitor_only ? routeros::kMonitorPolicy : routeros::kFullPolicy;
}

}  // namespace muster::server
