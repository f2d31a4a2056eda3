// What would come of a script, by RouterOS version: how it would be sent, whether it would load,
// what it would do beside its purpose. Nothing here asks a router; the language and the check are
// the rooms that the simulator runs scripts with and our own texts are checked by
// (routeros/language, routeros/check).
#include "cli/commands/job_dry_run.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/device_choice.h"
#include "cli/commands/device_report.h"
#include "cli/commands/names.h"
#include "common/status/status_macros.h"
#include "muster/v1/device_service.grpc.pb.h"
#include "muster/v1/script_service.grpc.pb.h"
#include "routeros/check/script_check.h"
#include "routeros/placeholders/placeholders.h"
#include "routeros/script/payload.h"
#include "routeros/script/version.h"

namespace muster::cli {
namespace {

using muster::v1::CreateJobRequest;
using muster::v1::Device;
using muster::v1::Job;

// Nobody reads a line with forty versions.
constexpr size_t kVersionsShown = 6;
// A filter has at most 4,096 bytes.
// Of 13 characters and the words around them: about 2,600 bytes.
constexpr size_t kNamesPerFilter = 100;
constexpr absl::string_view kUnknownVersion = "unknown";

std::string WithoutChannel(const std::string& version) {
  return version.substr(0, version.find(' '));
}

// What versions are counted as where they are not known: the oldest.
// A device that has not said its version may be anything, so it is judged as the one that knows
// least.
routeros::Version Assumed(const std::string& text) {
  absl::StatusOr<routeros::Version> version = routeros::ParseVersion(text);
  if (version.ok()) return *version;
  routeros::Version oldest;
  oldest.major = 6;
  oldest.minor = 48;
  return oldest;
}

// Variables and secrets are filled in for each device later; to the check they are numbers of the
// same length, so that columns stay as they are.
// As numbers they fit wherever a value may stand, inside of words and of quotes too.
std::string WithoutVariables(absl::string_view script) {
  std::string text(script);
  for (size_t at = text.find("{{"); at != std::string::npos; at = text.find("{{", at + 1)) {
    const absl::string_view rest = absl::string_view(text).substr(at + 2);
    const bool is_variable = absl::StartsWith(rest, "label.") ||
                             absl::StartsWith(rest, "device.") || absl::StartsWith(rest, "secret:");
    const size_t end = rest.find("}}");
    if (!is_variable || end == absl::string_view::npos || rest.find('\n') < end) continue;
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), end + 4, '1');
  }
  return text;
}

VersionCheck Deliver(absl::string_view script, const std::string& text,
                     const routeros::Version& version, int64_t count) {
  VersionCheck check;
  check.version = text;
  check.device_count = count;
  const absl::StatusOr<routeros::Family> family = routeros::FamilyOf(version);
  if (family.ok()) check.family = std::string(routeros::FamilyName(*family));
  // From 7.11 on agents decode hex, before that escapes; see docs/device-protocol.md.
  const bool is_hex = family.ok() && *family >= routeros::Family::k7_11;
  const auto format = is_hex ? routeros::PayloadFormat::kHex : routeros::PayloadFormat::kEscaped;
  check.is_hex = is_hex;
  check.payload_bytes = routeros::EncodePayload(script, format).size();
  // Too long for one reply: announced, and fetched in parts.
  if (script.size() > routeros::LargestScript(version)) {
    const size_t part = routeros::ScriptBytesPerPart(version, format);
    check.parts = (script.size() + part - 1) / part;
  }
  return check;
}

std::string KindWord(routeros::FindingKind kind) {
  switch (kind) {
    case routeros::FindingKind::kSyntax:
      return "syntax";
    case routeros::FindingKind::kNewer:
      return "newer";
    case routeros::FindingKind::kUnknown:
      return "unknown";
  }
  return "";
}

// Puts a version's finding to the same one of other versions.
// One line for a finding and the versions that have it: a typing error is on all of them.
void AddFinding(const routeros::Finding& finding, const std::string& version, DryRun* dry_run) {
  const std::string kind = KindWord(finding.kind);
  const std::string text = finding.ToText();
  for (ScriptFinding& known : dry_run->findings) {
    if (known.kind == kind && known.text == text) {
      // Versions come in order, so the last one is enough to look at.
      if (known.versions.back() != version) known.versions.push_back(version);
      return;
    }
  }
  dry_run->findings.push_back({.kind = kind,
                               .text = text,
                               .versions = {version},
                               .line = finding.line,
                               .column = finding.column,
                               .message = finding.text});
}

// Said once, though each version finds it: what a script does is not a matter of versions.
void AddEffects(const routeros::ScriptReport& report, bool ends_with_is_given, DryRun* dry_run) {
  const auto add = [&](bool holds, const char* what) {
    if (!holds) return;
    const std::string advice =
        ends_with_is_given ? "" : "; say --ends-with reboot, or --ends-with result if it goes on";
    const std::string text = absl::StrCat("the script ", what, advice);
    auto& effects = dry_run->effects;
    if (std::find(effects.begin(), effects.end(), text) == effects.end()) effects.push_back(text);
  };
  add(report.reboots, "reboots or shuts down the router");
  add(report.installs, "installs, upgrades or downgrades packages");
  add(report.resets, "resets the configuration");
  add(report.loads_backup, "loads a backup");
}

std::string VersionsText(const std::vector<std::string>& versions) {
  if (versions.size() <= kVersionsShown) return absl::StrJoin(versions, ", ");
  const std::vector<std::string> first(versions.begin(), versions.begin() + kVersionsShown);
  return absl::StrCat(absl::StrJoin(first, ", "), " and ", versions.size() - kVersionsShown,
                      " more");
}

// Filters that together mean all devices of the request.
std::vector<std::string> FiltersOf(const CreateJobRequest& request) {
  // Names become filters, as there is no call that gets many devices by name.
  if (!request.filter().empty()) return {request.filter()};
  std::vector<std::string> names(request.devices().begin(), request.devices().end());
  if (!request.device().empty()) names.push_back(request.device());
  std::vector<std::string> filters;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string part = absl::StrCat("name = ", QuoteForFilter(ShortName(names[i])));
    if (i % kNamesPerFilter == 0) {
      filters.push_back(part);
    } else {
      absl::StrAppend(&filters.back(), " OR ", part);
    }
  }
  return filters;
}

// All that the request is for.
absl::StatusOr<std::vector<Device>> FindTargets(Session& session, const CreateJobRequest& request) {
  std::vector<Device> targets;
  for (const std::string& filter : FiltersOf(request)) {
    ASSIGN_OR_RETURN(std::vector<Device> devices, AllMatches(session, filter));
    for (Device& device : devices) {
      if (!device.monitor_only()) targets.push_back(std::move(device));
    }
  }
  return targets;
}

// The text, also where the request only names it.
absl::StatusOr<std::string> ScriptOf(Session& session, const CreateJobRequest& request) {
  if (request.script_name().empty()) return request.script();
  ASSIGN_OR_RETURN(Connection * connection, session.connection());
  const auto stub = muster::v1::ScriptService::NewStub(connection->channel());
  muster::v1::GetScriptRequest wanted;
  wanted.set_name(request.script_name());
  muster::v1::GetScriptResponse response;
  RETURN_IF_ERROR(connection->Call(CallKind::kRead, [&](grpc::ClientContext* context) {
    return stub->GetScript(context, wanted, &response);
  }));
  return response.script().body();
}

// What stands for a variable on the device; nullopt where it has none, or for another name.
std::optional<std::string> ValueOn(const Device& device, absl::string_view name) {
  if (name == "device.name") return DeviceTitle(device);
  if (name == "device.id") return ShortName(device.name());
  if (name == "device.site") return device.site();
  const std::optional<std::string> key = routeros::LabelKeyOf(name);
  if (!key.has_value()) return std::nullopt;
  const auto label = device.labels().find(*key);
  return label == device.labels().end() ? std::nullopt : std::make_optional(label->second);
}

// The script as the device gets it; secrets and what has no value here stay as they stand.
std::string RenderFor(const std::string& script, const Device& device) {
  const auto wanted = [&](absl::string_view name) { return ValueOn(device, name).has_value(); };
  const auto value = [&](absl::string_view name) { return ValueOn(device, name); };
  return routeros::FillPlaceholders(script, wanted, value).value_or(script);
}

DryRun CheckFor(const std::vector<Device>& targets, const std::string& script,
                bool ends_with_is_given, const routeros::ConsoleDumps* dumps) {
  std::map<std::string, int64_t> counts;
  std::map<std::string, const Device*> examples;
  std::vector<CheckedDevice> devices;
  for (const Device& device : targets) {
    const std::string version = WithoutChannel(device.routeros_version());
    const std::string title = version.empty() ? std::string(kUnknownVersion) : version;
    ++counts[version];
    examples.emplace(title, &device);
    devices.push_back({device.name(), DeviceTitle(device), title});
  }
  DryRun dry_run = CheckForVersions(script, counts, ends_with_is_given, dumps);
  dry_run.devices = std::move(devices);
  for (VersionCheck& check : dry_run.versions) {
    const Device& example = *examples.at(check.version);
    check.rendered = RenderFor(script, example);
    check.example_device = example.name();
  }
  return dry_run;
}

// The script, and how versions get it where its variables make a difference.
std::string TextForPeople(const DryRun& dry_run, const std::string& script) {
  std::string text = absl::StrCat("Script, ", script.size(), " bytes\n", script);
  for (const VersionCheck& check : dry_run.versions) {
    if (check.rendered == script) continue;
    absl::StrAppend(&text, text.back() == '\n' ? "" : "\n", "\nFor example on ", check.version,
                    ", device ", ShortName(check.example_device), "\n", check.rendered);
  }
  return text;
}

}  // namespace

DryRun CheckForVersions(absl::string_view script,
                        const std::map<std::string, int64_t>& device_counts,
                        bool ends_with_is_given, const routeros::ConsoleDumps* dumps) {
  std::vector<std::pair<std::string, int64_t>> sorted(device_counts.begin(), device_counts.end());
  // By number and not by letter: 7.9 before 7.10.
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return routeros::CompareVersions(Assumed(a.first), Assumed(b.first)) < 0;
  });
  DryRun dry_run;
  const std::string checked = WithoutVariables(script);
  for (const auto& [text, count] : sorted) {
    const routeros::Version version = Assumed(text);
    const std::string title = text.empty() ? std::string(kUnknownVersion) : text;
    VersionCheck check = Deliver(script, title, version, count);
    // The nearest dump: nobody has one of each version.
    const auto* tree = dumps == nullptr ? nullptr : dumps->Nearest(version);
    if (tree != nullptr) check.tree = routeros::FormatVersion(tree->version());
    const routeros::ScriptReport report = routeros::CheckScript(checked, version, tree);
    bool loads = true;
    for (const routeros::Finding& finding : report.findings) {
      // Only syntax keeps a script from loading. A command that a version does not have ends it
      // when it gets there, which may be what it expects (on-error).
      loads = loads && finding.kind != routeros::FindingKind::kSyntax;
      AddFinding(finding, title, &dry_run);
    }
    check.loads = loads;
    if (!loads) ++dry_run.versions_with_syntax_errors;
    AddEffects(report, ends_with_is_given, &dry_run);
    dry_run.versions.push_back(std::move(check));
  }
  std::stable_sort(
      dry_run.findings.begin(), dry_run.findings.end(),
      [](const auto& a, const auto& b) { return (a.kind == "syntax") > (b.kind == "syntax"); });
  return dry_run;
}

Report DryRunReport(const DryRun& dry_run) {
  Report report;
  Table versions = {"",
                    {{"ROUTEROS"},
                     {"FAMILY"},
                     {"DEVICES", false, false, true},
                     {"SENT AS"},
                     {"BYTES", false, false, true},
                     {"CHECKED AGAINST"}},
                    {}};
  for (const VersionCheck& check : dry_run.versions) {
    versions.rows.push_back(
        {check.version, check.family, absl::StrCat(check.device_count),
         check.parts == 1 ? std::string("J") : absl::StrCat("L, ", check.parts, " parts"),
         absl::StrCat(check.payload_bytes),
         check.tree.empty() ? std::string("language only") : absl::StrCat("tree of ", check.tree)});
  }
  Table findings = {"Findings", {{"KIND"}, {"WHERE AND WHAT"}, {"ON"}}, {}};
  for (const ScriptFinding& finding : dry_run.findings) {
    Cell kind(finding.kind);
    kind.tone = finding.kind == "syntax" ? Tone::kBad : Tone::kDoubtful;
    findings.rows.push_back({kind, finding.text, VersionsText(finding.versions)});
  }
  report.tables.push_back(std::move(versions));
  if (!findings.rows.empty()) report.tables.push_back(std::move(findings));
  return report;
}

Outcome ShowScriptCheck(Session& session, const CreateJobRequest& request,
                        const absl::StatusOr<Job>& job) {
  std::optional<routeros::ConsoleDumps> dumps;
  if (session.Has("trees")) {
    ASSIGN_OR_RETURN(dumps, routeros::ConsoleDumps::Read(session.Text("trees")));
  }
  ASSIGN_OR_RETURN(const std::string script, ScriptOf(session, request));
  ASSIGN_OR_RETURN(const std::vector<Device> targets, FindTargets(session, request));
  const bool ends_with = request.ends_with() != muster::v1::JOB_END_UNSPECIFIED;
  DryRun dry_run = CheckFor(targets, script, ends_with, dumps.has_value() ? &*dumps : nullptr);
  if (!job.ok()) dry_run.refusal = std::string(job.status().message());
  for (const std::string& effect : dry_run.effects) session.Note(effect);
  const int64_t count =
      job.ok() ? job->target_count() : static_cast<int64_t>(dry_run.devices.size());
  session.Note(absl::StrCat("dry run: the script would go to ", count,
                            count == 1 ? " device" : " devices", "; nothing was done"));
  Report report = DryRunReport(dry_run);
  report.json = DryRunJson(dry_run);
  if (session.format() == Format::kTable || session.format() == Format::kWide) {
    report.text = TextForPeople(dry_run, script);
  }
  ASSIGN_OR_RETURN(const ExitCode shown, session.Show(report));
  if (dry_run.versions_with_syntax_errors > 0) {
    session.Note("routers would refuse the script: see the findings of kind syntax");
  }
  if (!job.ok()) return job.status();
  if (dry_run.versions_with_syntax_errors == 0) return shown;
  return dry_run.versions_with_syntax_errors == dry_run.versions.size() ? ExitCode::kFailed
                                                                        : ExitCode::kPartlyFailed;
}

}  // namespace muster::cli
