#include "tests/router_simulator/program/control_channel.h"

#include <iostream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster::simulator {
namespace {

std::string One(Fleet& fleet, absl::string_view verb, int index, absl::string_view rest) {
  if (verb == "reboot") return fleet.Reboot(index, PowerDown::kClean);
  if (verb == "power-loss") return fleet.Reboot(index, PowerDown::kPowerLoss);
  if (verb == "dump") return fleet.Dump(index, rest);
  if (verb == "export") return fleet.Export(index, rest == "show-sensitive");
  if (verb == "log") return fleet.LogText(index);
  if (verb == "show") return fleet.Describe(index);
  if (verb == "run") return fleet.RunText(index, rest);
  if (verb == "save") return fleet.SaveState(index);
  if (verb == "restore") return fleet.RestoreState(index);
  if (verb == "clock") {
    int64_t seconds = 0;
    if (!absl::SimpleAtoi(rest, &seconds)) return "clock takes seconds since 1970\n";
    return fleet.SetClock(index, absl::FromUnixSeconds(seconds));
  }
  if (verb == "upgrade") {
    absl::StatusOr<RouterVersion> version = ParseRouterVersion(rest);
    if (!version.ok()) return absl::StrCat(version.status().message(), "\n");
    return fleet.Upgrade(index, *std::move(version));
  }
  return absl::StrCat("unknown command ", verb, "\n");
}

}  // namespace

std::string StatusLine(const Fleet& fleet) {
  const FleetCounts counts = fleet.Counts();
  return absl::StrCat("routers=", fleet.size(), " enrolled=", counts.enrolled,
                      " beats=", counts.beats, " jobs=", counts.jobs_started,
                      " results=", counts.results, " failed_fetches=", counts.failed_fetches,
                      " script_errors=", counts.script_errors, " load_errors=", counts.load_errors,
                      " unsupported=", counts.unsupported, " reboots=", counts.reboots);
}

std::string Answer(Fleet& fleet, absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
  if (words[0] == "status") return StatusLine(fleet) + "\n";
  if (words.size() < 2) return "a command and a router's number, please\n";
  const absl::string_view rest = words.size() > 2 ? words[2] : absl::string_view();
  if (words[1] == "*") {
    std::string all;
    for (int i = 0; i < fleet.size(); ++i) all += One(fleet, words[0], i, rest);
    return all;
  }
  int index = -1;
  if (!absl::SimpleAtoi(words[1], &index) || index < 0 || index >= fleet.size()) {
    return absl::StrCat("no router ", words[1], "\n");
  }
  return One(fleet, words[0], index, rest);
}

void ServeStandardInput(Fleet* fleet) {
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.empty()) continue;
    std::string text = Answer(*fleet, line);
    if (!text.empty() && text.back() != '\n') text.push_back('\n');
    std::cout << text << ".\n" << std::flush;
  }
}

}  // namespace muster::simulator
