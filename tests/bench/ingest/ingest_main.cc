// muster-bench-ingest: how many check-ins of a million devices a control plane takes from eight
// edges, and what they cost it. See docs/performance.md.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "tests/bench/ingest/control_plane.h"
#include "tests/bench/ingest/fleet.h"
#include "tests/bench/ingest/seed.h"
#include "tests/bench/ingest/simulated_edge.h"
#include "tests/bench/support/child.h"
#include "tests/bench/support/process_cost.h"
#include "tests/bench/support/report.h"

namespace muster::bench {
namespace {

struct Plan {
  bool quick = false;
  bool only_prepare = false;
  // Only a copy of the seeded state is made, in this folder; empty: the measurement.
  std::string copy_to;
  // Only check-ins are sent, until the input ends, to a musterd on such a copy that somebody else
  // has started: where it listens for edges, and the copy's folder.
  std::string load_at, folder;
  size_t devices = 1'000'000;
  size_t edges = 8;
  absl::Duration warm_up = absl::Seconds(35);
  absl::Duration paced = absl::Minutes(10);
  absl::Duration ceiling = absl::Seconds(30);
};

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
// From the first batch of a stretch to its first snapshot.
constexpr absl::Duration kSettle = absl::Milliseconds(500);
constexpr absl::Duration kDrainTimeout = absl::Seconds(20);
constexpr absl::Duration kBetweenLooks = absl::Seconds(1);

std::string EdgeName(size_t edge) { return absl::StrCat("bench-", edge); }

std::vector<std::string> EdgeNames(const Plan& plan) {
  std::vector<std::string> names;
  for (size_t i = 0; i < plan.edges; ++i) names.push_back(EdgeName(i));
  return names;
}

// What a seeded state was made for and by; another one is not used.
std::string SeedMark(const Plan& plan) {
  std::error_code error;
  std::string mark = absl::StrCat(plan.devices, " devices ", plan.edges, " edges");
  for (const char* program : {"/musterd", "/muster-bench-ingest"}) {
    const std::string path = ProgramFolder() + program;
    absl::StrAppend(&mark, " ", std::filesystem::file_size(path, error), " ",
                    std::filesystem::last_write_time(path, error).time_since_epoch().count());
  }
  return mark;
}

bool IsSeeded(const std::string& folder, const std::string& mark) {
  std::stringstream text;
  text << std::ifstream(folder + "/mark").rdbuf();
  return text.str() == mark;
}

absl::Status MakeSeededState(const Plan& plan, const Fleet& fleet, const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!std::filesystem::create_directories(folder, error)) {
    return absl::InternalError("can't make " + folder);
  }
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<ControlPlane> control,
                     ControlPlane::Start(folder, kStartTimeout));
    for (const std::string& name : EdgeNames(plan)) {
      ASSIGN_OR_RETURN(const EdgeIdentity identity, control->JoinEdge(name));
      RETURN_IF_ERROR(SaveIdentity(folder, identity));
    }
  }
  RETURN_IF_ERROR(SeedDevices(folder, fleet));
  std::ofstream(folder + "/mark") << SeedMark(plan);
  return absl::OkStatus();
}

// The folder of the seeded state; made where it is absent.
absl::StatusOr<std::string> Prepare(const Plan& plan, const Fleet& fleet) {
  std::string folder = ProgramFolder() + "/../bench/ingest-state";
  // So that the usual one stays.
  if (plan.devices != Plan().devices) absl::StrAppend(&folder, "-", plan.devices);
  if (!IsSeeded(folder, SeedMark(plan))) {
    Say(absl::StrCat("seeding a state with ", plan.devices, " devices (kept for later runs)"));
    RETURN_IF_ERROR(MakeSeededState(plan, fleet, folder));
  }
  return folder;
}

// A copy to run on, with every device online now.
absl::Status CopyState(const Plan& plan, const Fleet& fleet, const std::string& seeded,
                       const std::string& folder) {
  std::error_code error;
  std::filesystem::copy(
      seeded, folder,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing,
      error);
  if (error) return absl::InternalError("can't copy the seeded state: " + error.message());
  RETURN_IF_ERROR(SeedStatus(folder, fleet, EdgeNames(plan), absl::Now()));
  // What the copy left to write must not slow the log's own writes down.
  sync();
  return absl::OkStatus();
}

absl::StatusOr<Edges> Connect(const Plan& plan, const Fleet& fleet, const std::string& folder,
                              const std::string& address) {
  Edges edges;
  for (size_t i = 0; i < plan.edges; ++i) {
    ASSIGN_OR_RETURN(EdgeIdentity identity, LoadIdentity(folder, EdgeName(i)));
    edges.push_back(std::make_unique<SimulatedEdge>(fleet, i, std::move(identity), address));
  }
  RETURN_IF_ERROR(OnAll(edges, [](SimulatedEdge& edge) { return edge.Connect(); }));
  return edges;
}

EdgeFigures TakeAll(Edges& edges) {
  EdgeFigures all;
  for (const auto& edge : edges) {
    const EdgeFigures one = edge->TakeFigures();
    all.sent += one.sent;
    all.acknowledged += one.acknowledged;
    all.refused += one.refused;
    if (!one.refusal.empty()) all.refusal = one.refusal;
    all.ack_ms.insert(all.ack_ms.end(), one.ack_ms.begin(), one.ack_ms.end());
    all.receipt_to_ack_ms.insert(all.receipt_to_ack_ms.end(), one.receipt_to_ack_ms.begin(),
                                 one.receipt_to_ack_ms.end());
    all.lag_seconds = std::max(all.lag_seconds, one.lag_seconds);
  }
  return all;
}

// What musterd had done at one moment.
struct Snapshot {
  absl::Time time;
  double cpu_ns = 0;
  double generator_ns = 0;
  double written_bytes = 0;
  uint64_t acknowledged = 0;
};

absl::StatusOr<Snapshot> TakeSnapshot(Edges& edges, pid_t server) {
  Snapshot snapshot;
  ASSIGN_OR_RETURN(const ProcessUse use, ReadProcessUse(server));
  snapshot.written_bytes = use.written_bytes;
  ASSIGN_OR_RETURN(snapshot.cpu_ns, CpuNanoseconds(server));
  ASSIGN_OR_RETURN(snapshot.generator_ns, CpuNanoseconds(getpid()));
  snapshot.acknowledged = AcknowledgedBy(edges);
  snapshot.time = absl::Now();
  return snapshot;
}

// One stretch of load, and what musterd spent on it between two moments of full load.
struct Stretch {
  EdgeFigures figures;
  Snapshot begin, end;

  double seconds() const { return absl::ToDoubleSeconds(end.time - begin.time); }
  double acknowledged() const { return static_cast<double>(end.acknowledged - begin.acknowledged); }
  double per_second() const { return acknowledged() / seconds(); }
  double cores() const { return (end.cpu_ns - begin.cpu_ns) / 1e9 / seconds(); }
  double generator_cores() const {
    return (end.generator_ns - begin.generator_ns) / 1e9 / seconds();
  }
};

absl::StatusOr<Stretch> Load(Edges& edges, pid_t server, double rate, absl::Duration length) {
  TakeAll(edges);
  Stretch stretch;
  const double each = rate / static_cast<double>(edges.size());
  const absl::Time end = absl::Now() + kSettle + length;
  absl::Status sending;
  std::thread load(
      [&] { sending = OnAll(edges, [&](SimulatedEdge& edge) { return edge.Run(each, end); }); });
  absl::SleepFor(kSettle);
  absl::StatusOr<Snapshot> before = TakeSnapshot(edges, server);
  absl::SleepFor(end - absl::Milliseconds(50) - absl::Now());
  absl::StatusOr<Snapshot> after = TakeSnapshot(edges, server);
  load.join();
  RETURN_IF_ERROR(sending);
  ASSIGN_OR_RETURN(stretch.begin, std::move(before));
  ASSIGN_OR_RETURN(stretch.end, std::move(after));
  RETURN_IF_ERROR(OnAll(edges, [](SimulatedEdge& edge) { return edge.Drain(kDrainTimeout); }));
  stretch.figures = TakeAll(edges);
  return stretch;
}

void AddPaced(Stretch& paced, Report& report) {
  report.Figure("checkins_per_second", paced.per_second(), "1/s", ">= 33334 (now 20000)");
  report.Figure("musterd_cores", paced.cores(), "", "<= 1.0");
  report.Figure("ack_p99_ms", Percentile(paced.figures.ack_ms, 0.99), "ms", "<= 250");
  report.Figure("ack_p50_ms", Percentile(paced.figures.ack_ms, 0.5), "ms", "");
  report.Figure("receipt_to_ack_p99_ms", Percentile(paced.figures.receipt_to_ack_ms, 0.99), "ms",
                "");
  report.Figure("bytes_written_per_checkin",
                (paced.end.written_bytes - paced.begin.written_bytes) / paced.acknowledged(), "B",
                "<= 300");
  report.Figure("musterd_us_per_checkin", paced.cores() * 1e6 / paced.per_second(), "us", "");
  report.Figure("generator_cores", paced.generator_cores(), "", "");
  report.Figure("lag_seconds", paced.figures.lag_seconds, "s", "");
  report.Figure("paced_seconds", paced.seconds(), "s", "");
}

void AddTotals(const std::vector<const Stretch*>& stretches, Report& report) {
  uint64_t sent = 0, taken = 0;
  for (const Stretch* stretch : stretches) {
    sent += stretch->figures.sent;
    taken += stretch->figures.acknowledged - stretch->figures.refused;
    if (!stretch->figures.refusal.empty()) Say("refused: " + stretch->figures.refusal);
  }
  report.Figure("lost", static_cast<double>(sent - taken), "", "0");
  report.Figure("checkins_sent", static_cast<double>(sent), "", "");
}

// A second, all devices together: a hundredth faster than their own pace, so that a jitter of the
// clock decides nothing.
double PaceOf(const Plan& plan) {
  return 1.01 * static_cast<double>(plan.devices) / kIntervalSeconds;
}

bool InputHasEnded() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

// Says "loading" when it begins, and at the end on one line what became of it.
absl::Status LoadOther(const Plan& plan, const Fleet& fleet) {
  ASSIGN_OR_RETURN(Edges edges, Connect(plan, fleet, plan.folder, plan.load_at));
  std::cout << "loading" << std::endl;
  const double each = PaceOf(plan) / static_cast<double>(edges.size());
  const absl::Time begin = absl::Now();
  while (!InputHasEnded()) {
    const absl::Time end = absl::Now() + kBetweenLooks;
    RETURN_IF_ERROR(OnAll(edges, [&](SimulatedEdge& edge) { return edge.Run(each, end); }));
  }
  RETURN_IF_ERROR(OnAll(edges, [](SimulatedEdge& edge) { return edge.Drain(kDrainTimeout); }));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  const EdgeFigures all = TakeAll(edges);
  const uint64_t taken = all.acknowledged - all.refused;
  std::cout << absl::StrCat("{\"checkins_per_second\":", static_cast<double>(taken) / seconds,
                            ",\"lost\":", all.sent - taken, "}")
            << std::endl;
  return absl::OkStatus();
}

absl::Status MeasureOn(const Plan& plan, const Fleet& fleet, const std::string& folder,
                       Report& report) {
  Say("starting musterd");
  ASSIGN_OR_RETURN(const std::unique_ptr<ControlPlane> control,
                   ControlPlane::Start(folder, kStartTimeout));
  Say("connecting the edges");
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(Edges edges, Connect(plan, fleet, folder, control->edge_address()));
  const double rate = PaceOf(plan);
  const pid_t server = control->process();
  ASSIGN_OR_RETURN(const Stretch warm, Load(edges, server, rate, plan.warm_up));
  const double connect_seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  Say(absl::StrCat("each device each ", kIntervalSeconds, " s"));
  ASSIGN_OR_RETURN(Stretch paced, Load(edges, server, rate, plan.paced));
  ASSIGN_OR_RETURN(const ProcessUse use, ReadProcessUse(server));
  AddPaced(paced, report);
  report.Figure("rss_mb", use.resident_bytes / 1e6, "MB", "<= 1024 + 768");
  Say("as fast as the window lets through");
  ASSIGN_OR_RETURN(const Stretch ceiling, Load(edges, server, 0, plan.ceiling));
  report.Figure("ceiling_checkins_per_second", ceiling.per_second(), "1/s", ">= 50001");
  report.Figure("ceiling_musterd_cores", ceiling.cores(), "", "");
  AddTotals({&warm, &paced, &ceiling}, report);
  ASSIGN_OR_RETURN(const int online, control->CountDevices("online = true"));
  report.Figure("devices_online", online, "", "");
  // Not only acknowledged: the state says so too.
  const std::string since = absl::FormatTime(absl::RFC3339_sec, begin, absl::UTCTimeZone());
  ASSIGN_OR_RETURN(const int seen, control->CountDevices("last_check_in >= " + since));
  size_t expected = 0;
  for (const auto& edge : edges) expected += edge->devices_sent();
  report.Figure("devices_checked_in", seen, "", absl::StrCat("= ", expected));
  report.Figure("devices", static_cast<double>(plan.devices), "", "");
  report.Figure("rss_highest_mb", use.highest_resident_bytes / 1e6, "MB", "");
  report.Figure("serving_seconds", absl::ToDoubleSeconds(control->start_time()), "s", "<= 10");
  report.Figure("connect_and_warm_up_seconds", connect_seconds, "s", "");
  return absl::OkStatus();
}

absl::Status Measure(const Plan& plan, Report& report) {
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(InitializeCryptography());
  const Fleet fleet(plan.devices, plan.edges);
  if (!plan.load_at.empty()) return LoadOther(plan, fleet);
  ASSIGN_OR_RETURN(const std::string seeded, Prepare(plan, fleet));
  if (plan.only_prepare) return absl::OkStatus();
  if (!plan.copy_to.empty()) return CopyState(plan, fleet, seeded, plan.copy_to);
  ASSIGN_OR_RETURN(const std::string folder,
                   MakeRunFolder(ProgramFolder() + "/../bench", "ingest"));
  RETURN_IF_ERROR(CopyState(plan, fleet, seeded, folder));
  const absl::Status status = MeasureOn(plan, fleet, folder, report);
  if (!status.ok()) {
    Say("what musterd printed lies in " + folder);
    return status;
  }
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  report.Figure("seconds", absl::ToDoubleSeconds(absl::Now() - begin), "s",
                plan.quick ? "<= 45" : "");
  return absl::OkStatus();
}

bool TakeArgument(absl::string_view argument, Plan& plan) {
  size_t devices = 0;
  if (argument == "--quick") {
    plan.quick = true;
    plan.warm_up = absl::Seconds(2);
    plan.paced = absl::Seconds(9);
    plan.ceiling = absl::Seconds(3);
  } else if (argument == "--long") {
    plan.paced = absl::Minutes(60);
  } else if (argument == "--prepare") {
    plan.only_prepare = true;
  } else if (absl::ConsumePrefix(&argument, "--copy-to=")) {
    plan.copy_to = std::string(argument);
  } else if (absl::ConsumePrefix(&argument, "--load=")) {
    plan.load_at = std::string(argument);
  } else if (absl::ConsumePrefix(&argument, "--folder=")) {
    plan.folder = std::string(argument);
  } else if (absl::ConsumePrefix(&argument, "--devices=") && absl::SimpleAtoi(argument, &devices) &&
             devices >= plan.edges) {
    plan.devices = devices;
  } else {
    return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; ++i) {
    if (!TakeArgument(argv[i], plan)) {
      std::cerr << "usage: muster-bench-ingest [--quick] [--long] [--prepare] [--copy-to=FOLDER]\n"
                   "         [--load=HOST:PORT --folder=FOLDER] [--devices=N]\n"
                   "--prepare only makes the seeded state that later runs copy,\n"
                   "--copy-to=FOLDER only a copy of it in a folder that exists, --load=HOST:PORT\n"
                   "only loads the musterd that runs on such a copy, until its input ends\n";
      return argv[i] == absl::string_view("--help") ? 0 : 2;
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  Report report("ingest", plan.quick);
  const absl::Status status = Measure(plan, report);
  if (!status.ok()) return CannotMeasure(status);
  const bool measures = !plan.only_prepare && plan.copy_to.empty() && plan.load_at.empty();
  return measures ? report.Print() : 0;
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
