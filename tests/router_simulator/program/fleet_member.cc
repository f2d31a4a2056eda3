#include "tests/router_simulator/program/fleet_member.h"

#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/text/clean.h"

namespace muster::simulator {

void FleetCounts::Add(const FleetCounts& other) {
  enrolled += other.enrolled;
  beats += other.beats;
  failed_fetches += other.failed_fetches;
  jobs_started += other.jobs_started;
  results += other.results;
  script_errors += other.script_errors;
  load_errors += other.load_errors;
  unsupported += other.unsupported;
  reboots += other.reboots;
}

FleetMember::FleetMember(int number, RouterOptions options, HttpTransport* transport,
                         const std::set<std::string>& behaviours, bool quiet)
    : index(number),
      mishaps(std::make_unique<Mishaps>(behaviours, options.seed)),
      network(transport, behaviours, options.seed),
      quiet_(quiet) {
  options.transport = &network;
  router = std::make_unique<Router>(std::move(options));
  router->SetObserver(this);
  ApplyToRouter(behaviours, router.get());
}

void FleetMember::Say(absl::string_view text) const {
  const std::string line = absl::StrCat("router ", index, " ", router->options().version.text, ": ",
                                        CleanText(text), "\n");
  std::cerr << line;
}

void FleetMember::OnEvent(Router& from, const Event& event) {
  Count(event);
  Report(event);
  mishaps->OnEvent(from, event);
}

void FleetMember::Count(const Event& event) {
  const bool good = event.line >= 200 && event.line < 300;
  switch (event.kind) {
    case EventKind::kFetchEnded:
      if (!good) ++counts.failed_fetches;
      if (good && absl::EndsWith(event.text, "/v1/heartbeat")) ++counts.beats;
      if (good && absl::EndsWith(event.text, "/v1/result")) ++counts.results;
      break;
    case EventKind::kRowAdded:
      if (event.name == "/system/scheduler" && event.text == "muster-beat") ++counts.enrolled;
      break;
    case EventKind::kRowChanged:
      if (event.name == "/system/scheduler" && event.text == "muster-state") ++counts.jobs_started;
      break;
    case EventKind::kScriptError:
      ++counts.script_errors;
      break;
    case EventKind::kLoadError:
      ++counts.load_errors;
      break;
    case EventKind::kUnsupported:
      ++counts.unsupported;
      break;
    case EventKind::kReboot:
      ++counts.reboots;
      break;
    default:
      break;
  }
}

void FleetMember::Report(const Event& event) {
  const auto where = [&] {
    return absl::StrCat(" (line ", event.line, " column ", event.column, ")");
  };
  switch (event.kind) {
    case EventKind::kScriptError:
      Say(absl::StrCat("script error in ", event.name, ": ", event.text, where()));
      return;
    case EventKind::kLoadError:
      Say(absl::StrCat("script ", event.name, " does not load: ", event.text, where()));
      return;
    case EventKind::kUnsupported:
      Say(absl::StrCat("not simulated: ", event.text, " in ", event.name, where()));
      return;
    default:
      break;
  }
  if (quiet_) return;
  const bool scheduler = event.name == "/system/scheduler";
  if (event.kind == EventKind::kReboot) Say(absl::StrCat("rebooted: ", event.name));
  if (event.kind == EventKind::kRowAdded && scheduler && event.text == "muster-beat")
    Say("enrolled");
  if (event.kind == EventKind::kRowChanged && scheduler && event.text == "muster-state") {
    Say(absl::StrCat("job ", router->Show("/system/scheduler", "muster-state", "comment"),
                     " starts"));
  }
  if (event.kind == EventKind::kFetchEnded && absl::EndsWith(event.text, "/v1/result")) {
    Say(absl::StrCat("result posted: ", event.line));
  }
}

void FleetMember::ReportPaste() {
  if (!pasted || paste_reported_) return;
  const std::optional<RunResult> result = router->PasteResult();
  if (!result) return;
  paste_reported_ = true;
  if (!result->ok) Say(absl::StrCat("the pasted line ended: ", result->error));
  // What the fetches print of themselves is left out.
  for (const absl::string_view line : absl::StrSplit(result->output, "\r\n")) {
    if (!quiet_ && absl::StartsWith(line, "muster")) Say(line);
  }
}

}  // namespace muster::simulator
