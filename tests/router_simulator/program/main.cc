// muster-sim: routers that receive only the line to paste and do what it says.
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/program/options.h"
#include "common/program/process.h"
#include "routeros/check/console_dumps.h"
#include "routeros/check/script_check.h"
#include "tests/router_simulator/program/behaviours.h"
#include "tests/router_simulator/program/control_channel.h"
#include "tests/router_simulator/program/fleet.h"
#include "tests/router_simulator/program/https_transport.h"

namespace {

using muster::simulator::Fleet;
using muster::simulator::FleetOptions;

constexpr char kProgram[] = "muster-sim";
constexpr char kExamples[] =
    "Examples:\n"
    "  muster claim create --max-devices 25 > line\n"
    "  muster-sim --bootstrap-file line --count 25 --interval 2s\n"
    "Standard input takes commands such as \"dump 0 /ip/address\" and \"reboot 3\".\n";

struct Settings {
  std::string bootstrap;
  std::string bootstrap_file;
  int64_t count = 1;
  std::string interval = "30s";
  std::vector<std::string> versions = {"7.20.8"};
  int64_t seed = 1;
  std::vector<std::string> behaviours;
  std::string duration;
  std::string status_file;
  std::string parse_file;
  std::string trees;
  int64_t threads = 0;
  int64_t speed = 1;
  bool quiet = false;
};

std::optional<int> Read(int argc, char** argv, Settings* settings) {
  muster::Options options(kProgram, "Simulated MikroTik routers that run Muster's own scripts.",
                          "MUSTER_SIM", kExamples);
  options.Text("bootstrap", "the line to paste", &settings->bootstrap);
  options.Text("bootstrap-file", "file that holds it, so that it isn't in the process list",
               &settings->bootstrap_file);
  options.Number("count", "routers", &settings->count, 1, 100'000);
  options.Text("interval", "how often scheduler entries of 30 s fire", &settings->interval);
  options.List("versions", "RouterOS versions, in turn", &settings->versions);
  options.Number("seed", "serials, addresses and chance come from it", &settings->seed, 0,
                 1'000'000'000'000);
  options.List("behaviour", "what goes wrong; see --list-behaviours", &settings->behaviours);
  options.Text("duration", "end after this time", &settings->duration);
  options.Text("status-file", "file that gets the counts each second", &settings->status_file);
  options.Number("threads", "0: by the number of routers", &settings->threads, 0, 1024);
  options.Number("speed", "the routers' time runs so many times as fast", &settings->speed, 1,
                 1000);
  options.Switch("quiet", "only errors on stderr", &settings->quiet);
  options.Text("parse", "check this script against --versions and --trees, and end",
               &settings->parse_file);
  options.Text("trees", "folder of console dumps (VERSION.json.gz): menus of real routers",
               &settings->trees);
  bool list = false;
  options.Switch("list-behaviours", "say what can go wrong, and end", &list);
  if (std::optional<int> code = options.Parse(argc, argv)) return code;
  if (list) {
    std::cout << muster::simulator::BehaviourList();
    return 0;
  }
  return std::nullopt;
}

// Words that were given with commas in one flag.
std::vector<std::string> Split(const std::vector<std::string>& values) {
  std::vector<std::string> words;
  for (const std::string& value : values) {
    for (const absl::string_view word : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      words.emplace_back(word);
    }
  }
  return words;
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return std::nullopt;
  return text.str();
}

std::string_view NameOf(muster::routeros::FindingKind kind) {
  switch (kind) {
    case muster::routeros::FindingKind::kSyntax:
      return "syntax";
    case muster::routeros::FindingKind::kNewer:
      return "newer";
    case muster::routeros::FindingKind::kUnknown:
      return "unknown";
  }
  return "";
}

// Prints what each version says about the script; 1 where one doesn't load it.
int ParseOnly(const Settings& settings) {
  const std::optional<std::string> script = ReadFile(settings.parse_file);
  if (!script) {
    muster::FailWith(kProgram, absl::StrCat("can't read ", settings.parse_file));
    return 2;
  }
  absl::StatusOr<muster::routeros::ConsoleDumps> dumps = muster::routeros::ConsoleDumps();
  if (!settings.trees.empty()) dumps = muster::routeros::ConsoleDumps::Read(settings.trees);
  if (!dumps.ok()) {
    muster::FailWith(kProgram, std::string(dumps.status().message()));
    return 2;
  }
  int code = 0;
  for (const std::string& text : Split(settings.versions)) {
    const auto version = muster::routeros::ParseVersion(text);
    if (!version.ok()) {
      muster::FailWith(kProgram, std::string(version.status().message()));
      return 2;
    }
    const auto* tree = dumps->Nearest(*version);
    const auto report = muster::routeros::CheckScript(*script, *version, tree);
    std::cout << settings.parse_file << " on " << text << " (menus of "
              << (tree == nullptr ? "no dump" : muster::routeros::FormatVersion(tree->version()))
              << "): " << report.findings.size() << " findings\n";
    for (const auto& finding : report.findings) {
      std::cout << "  " << NameOf(finding.kind) << " " << finding.ToText() << "\n";
      if (finding.kind == muster::routeros::FindingKind::kSyntax) code = 1;
    }
  }
  return code;
}

// Empty: all is well; else what is wrong.
std::string Convert(const Settings& settings, FleetOptions* fleet) {
  fleet->bootstrap = settings.bootstrap;
  if (!settings.bootstrap_file.empty()) {
    std::optional<std::string> text = ReadFile(settings.bootstrap_file);
    if (!text) return absl::StrCat("can't read ", settings.bootstrap_file);
    fleet->bootstrap = *std::move(text);
  }
  while (!fleet->bootstrap.empty() &&
         (fleet->bootstrap.back() == '\n' || fleet->bootstrap.back() == '\r')) {
    fleet->bootstrap.pop_back();
  }
  if (fleet->bootstrap.empty()) return "give --bootstrap or --bootstrap-file";
  if (!absl::ParseDuration(settings.interval, &fleet->interval) ||
      fleet->interval < absl::Milliseconds(10)) {
    return absl::StrCat("--interval '", settings.interval, "' is no time such as 2s");
  }
  for (const std::string& text : Split(settings.versions)) {
    auto version = muster::simulator::ParseRouterVersion(text);
    if (!version.ok()) return std::string(version.status().message());
    fleet->versions.push_back(*std::move(version));
  }
  if (fleet->versions.empty()) return "give --versions";
  for (const std::string& name : Split(settings.behaviours)) fleet->behaviours.insert(name);
  const absl::Status known = muster::simulator::CheckBehaviours(fleet->behaviours);
  if (!known.ok()) return std::string(known.message());
  fleet->count = static_cast<int>(settings.count);
  fleet->seed = static_cast<uint64_t>(settings.seed);
  fleet->threads = static_cast<int>(settings.threads);
  if (!settings.trees.empty()) {
    auto dumps = muster::routeros::ConsoleDumps::Read(settings.trees);
    if (!dumps.ok()) return std::string(dumps.status().message());
    fleet->dumps = new muster::routeros::ConsoleDumps(*std::move(dumps));
  }
  fleet->speed = static_cast<double>(settings.speed);
  fleet->quiet = settings.quiet;
  return "";
}

// Replaces the file whole, so that a reader never sees half of it.
void WriteStatus(const std::string& path, const Fleet& fleet) {
  if (path.empty()) return;
  const std::string fresh = path + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << muster::simulator::StatusLine(fleet) << "\n";
  }
  std::rename(fresh.c_str(), path.c_str());
}

// Until SIGTERM or the end of `duration`.
void Live(const Settings& settings, const Fleet& fleet) {
  absl::Duration duration = absl::InfiniteDuration();
  if (!settings.duration.empty()) absl::ParseDuration(settings.duration, &duration);
  const absl::Time end = absl::Now() + duration;
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stop, signal);
  while (absl::Now() < end) {
    const timespec second = absl::ToTimespec(std::min(absl::Seconds(1), end - absl::Now()));
    if (sigtimedwait(&stop, nullptr, &second) > 0) return;
    WriteStatus(settings.status_file, fleet);
  }
}

}  // namespace

int main(int argc, char** argv) {
  muster::PrepareSignals();
  Settings settings;
  if (std::optional<int> code = Read(argc, argv, &settings)) return *code;
  if (!settings.parse_file.empty()) return ParseOnly(settings);
  FleetOptions options;
  const std::string wrong = Convert(settings, &options);
  if (!wrong.empty()) {
    muster::FailWith(kProgram, wrong);
    return 2;
  }
  muster::simulator::HttpsTransport transport;
  Fleet fleet(std::move(options), &transport);
  std::cerr << kProgram << ": seed " << settings.seed << std::endl;
  fleet.Start();
  muster::PrintReady("routers", absl::StrCat(settings.count));
  std::thread(muster::simulator::ServeStandardInput, &fleet).detach();
  Live(settings, fleet);
  transport.Stop();
  fleet.Stop();
  WriteStatus(settings.status_file, fleet);
  std::cerr << kProgram << ": " << muster::simulator::StatusLine(fleet) << std::endl;
  const muster::simulator::FleetCounts counts = fleet.Counts();
  const int code = counts.unsupported > 0 || counts.load_errors > 0 ? 1 : 0;
  std::cout << std::flush;
  // The reader of standard input may still wait for a line: don't wait for it.
  std::_Exit(code);
}
