#include "tests/router_simulator/program/control_channel.h"

#include <iostream>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster::simulator {
namespace {

constexpr char kTakesNumber[] = "a number, please\n";

// "7 rest": false where it doesn't begin with a number of 0 or more.
bool TakeNumber(absl::string_view* rest, int64_t* number) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(*rest, absl::MaxSplits(' ', 1));
  *rest = parts.second;
  return absl::SimpleAtoi(parts.first, number) && *number >= 0;
}

// Nullopt where `verb` is none of these.
std::optional<std::string> Look(Fleet& fleet, absl::string_view verb, int index,
                                absl::string_view rest) {
  if (verb == "dump") return fleet.Dump(index, rest);
  if (verb == "export") return fleet.Export(index, rest == "show-sensitive");
  if (verb == "log") return fleet.LogText(index);
  if (verb == "show") return fleet.Describe(index);
  if (verb == "run") return fleet.RunText(index, rest);
  if (verb == "paste") return fleet.Paste(index, rest);
  if (verb == "put") {
    const std::vector<absl::string_view> parts = absl::StrSplit(rest, absl::MaxSplits(' ', 1));
    if (parts.size() < 2) return "a name and a text, please\n";
    return fleet.PutFile(index, parts[0], parts[1]);
  }
  return std::nullopt;
}

std::optional<std::string> Live(Fleet& fleet, absl::string_view verb, int index,
                                absl::string_view rest) {
  if (verb == "reboot") return fleet.Reboot(index, PowerDown::kClean);
  if (verb == "power-loss" && rest.empty()) return fleet.Reboot(index, PowerDown::kPowerLoss);
  if (verb == "save") return fleet.SaveState(index);
  if (verb == "restore" && rest.empty()) return fleet.RestoreState(index);
  if (verb == "rollback") return fleet.RollBack(index);
  if (verb == "netinstall") return fleet.Netinstall(index, rest);
  if (verb == "remove-owner") return fleet.RemoveOwner(index);
  if (verb == "full-flash") return fleet.FullFlash(index, rest != "off");
  if (verb == "heal") return fleet.Heal(index);
  if (verb == "upgrade") {
    absl::StatusOr<RouterVersion> version = ParseRouterVersion(rest);
    if (!version.ok()) return absl::StrCat(version.status().message(), "\n");
    return fleet.Upgrade(index, *std::move(version));
  }
  return std::nullopt;
}

// Those that take a number first.
std::optional<std::string> Numbered(Fleet& fleet, absl::string_view verb, int index,
                                    absl::string_view rest) {
  const bool known = verb == "power-loss" || verb == "restore" || verb == "clock" ||
                     verb == "late-flash" || verb == "slow" || verb == "lose" || verb == "cut" ||
                     verb == "break";
  if (!known) return std::nullopt;
  int64_t number = 0;
  if (!TakeNumber(&rest, &number)) return kTakesNumber;
  if (verb == "power-loss") return fleet.PowerLossIn(index, number);
  if (verb == "restore") return fleet.RestoreFrom(index, static_cast<int>(number));
  if (verb == "clock") return fleet.SetClock(index, absl::FromUnixSeconds(number));
  if (verb == "late-flash") return fleet.LateFlash(index, absl::Seconds(number));
  if (verb == "slow") return fleet.SlowLink(index, absl::Seconds(number));
  if (verb == "lose") {
    fleet.network(index).LoseNext(rest, static_cast<int>(number));
  } else {
    fleet.network(index).CutNext(rest, static_cast<size_t>(number), verb == "cut");
  }
  return "set\n";
}

std::string One(Fleet& fleet, absl::string_view verb, int index, absl::string_view rest) {
  if (verb == "down" || verb == "up") {
    fleet.network(index).SetDown(verb == "down");
    return "set\n";
  }
  for (const auto group : {Look, Live, Numbered}) {
    if (std::optional<std::string> answer = group(fleet, verb, index, rest)) return *answer;
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
