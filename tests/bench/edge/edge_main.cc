// muster-bench-edge: what one heartbeat costs at the edge, in terms of what nginx needs for the
// same exchange, and what an idle connection holds. See docs/performance.md.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "tests/bench/edge/https_load.h"
#include "tests/bench/edge/installation.h"
#include "tests/bench/edge/nginx.h"
#include "tests/bench/support/child.h"
#include "tests/bench/support/process_cost.h"
#include "tests/bench/support/report.h"

namespace muster::bench {
namespace {

struct Plan {
  bool quick = false;
  size_t devices = 400;
  size_t rounds = 15;
  size_t requests_a_round = 3000;
  size_t idle_connections = 10'000;
  // No round begins later than this after the start; three are always run.
  absl::Duration last_round = absl::Minutes(10);
  // Nor is an idle connection opened later than this.
  absl::Duration last_idle = absl::Minutes(12);
};

constexpr size_t kAtOnce = 16;
constexpr size_t kLeastRounds = 3;
constexpr size_t kIdleStep = 500;
// What the edge still has to send upstream after a round belongs to it.
constexpr absl::Duration kAfterRound = absl::Milliseconds(200);
constexpr int kServerProcessor = 0;
constexpr int kClientProcessor = 1;

// One server under the same requests as the other.
struct Subject {
  HttpsLoad load;
  CostMeter meter;
  const std::vector<std::string>& requests;
  std::vector<double> costs;
  std::vector<double> seconds;
};

absl::Status RunRound(Subject& subject, size_t count) {
  ASSIGN_OR_RETURN(const double before, subject.meter.Read());
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(const size_t good,
                   subject.load.Run(
                       count, kAtOnce,
                       [&](size_t i) {
                         return absl::string_view(subject.requests[i % subject.requests.size()]);
                       },
                       nullptr));
  subject.seconds.push_back(absl::ToDoubleSeconds(absl::Now() - begin));
  if (good != count) {
    return absl::InternalError(absl::StrCat(count - good, " of ", count, " requests failed"));
  }
  absl::SleepFor(kAfterRound);
  ASSIGN_OR_RETURN(const double after, subject.meter.Read());
  subject.costs.push_back((after - before) / static_cast<double>(count));
  return absl::OkStatus();
}

struct IdleFigures {
  double connection_kib = 0;
  double resident_mb = 0;
  size_t held = 0;
};

// Opens connections until there are `wanted` or it is too late; answers how many.
absl::StatusOr<size_t> HoldIdle(HttpsLoad& load, size_t wanted, absl::Time at_last,
                                const std::function<absl::string_view(size_t)>& request) {
  size_t opened = 0;
  while (opened < wanted && absl::Now() < at_last) {
    const size_t count = std::min(kIdleStep, wanted - opened);
    ASSIGN_OR_RETURN(const size_t good, load.Hold(count, 2 * kAtOnce, request));
    if (good != count) return absl::InternalError("the edge refused an idle connection");
    opened += count;
  }
  return opened;
}

// Where time was too short for all of `wanted`, resident memory is that of fewer and the growth
// that the missing ones would have made; `held` says how many there were.
absl::StatusOr<IdleFigures> MeasureIdle(const Installation& installation, size_t wanted,
                                        absl::Time at_last) {
  std::vector<std::string> requests;
  for (size_t i = 0; i < installation.devices(); ++i) {
    requests.push_back(installation.Heartbeat(i, true));
  }
  const auto request = [&](size_t i) { return absl::string_view(requests[i % requests.size()]); };
  HttpsLoad load(installation.port());
  ASSIGN_OR_RETURN(const size_t warm, load.Run(requests.size(), kAtOnce, request, nullptr));
  absl::SleepFor(kAfterRound);
  ASSIGN_OR_RETURN(const ProcessUse before, ReadProcessUse(installation.edge_process()));
  ASSIGN_OR_RETURN(const size_t opened, HoldIdle(load, wanted, at_last, request));
  absl::SleepFor(kAfterRound);
  ASSIGN_OR_RETURN(const ProcessUse after, ReadProcessUse(installation.edge_process()));
  IdleFigures figures;
  figures.held = load.Held();
  if (warm != requests.size() || opened == 0 || figures.held != opened) {
    return absl::InternalError(
        absl::StrCat("the edge kept ", figures.held, " of ", opened, " connections"));
  }
  const double each = (after.resident_bytes - before.resident_bytes) / static_cast<double>(opened);
  figures.connection_kib = each / 1024;
  figures.resident_mb = (after.resident_bytes + each * static_cast<double>(wanted - opened)) / 1e6;
  return figures;
}

double Median(std::vector<double> values) { return Percentile(values, 0.5); }

void AddRounds(const Subject& nginx, const Subject& edge, CostBasis basis, size_t requests,
               Report& report) {
  const double nginx_cost = Median(nginx.costs), edge_cost = Median(edge.costs);
  std::vector<double> ratios;
  for (size_t i = 0; i < edge.costs.size(); ++i) ratios.push_back(nginx.costs[i] / edge.costs[i]);
  const bool time = basis == CostBasis::kCpuTime;
  const absl::string_view unit = time ? "us" : "k instr.";
  report.Figure("nginx_ratio", nginx_cost / edge_cost, "", ">= 0.90 (now 0.80)");
  report.Word("basis", BasisName(basis));
  report.Figure("edge_cost", edge_cost / 1000, unit, "");
  report.Figure("nginx_cost", nginx_cost / 1000, unit, "");
  report.Figure("ratio_lowest", Percentile(ratios, 0), "", "");
  report.Figure("ratio_highest", Percentile(ratios, 1), "", "");
  report.Figure("rounds", static_cast<double>(ratios.size()), "", "");
  report.Figure("requests_a_round", static_cast<double>(requests), "", "");
  report.Figure("edge_requests_per_second", static_cast<double>(requests) / Median(edge.seconds),
                "1/s", "");
  report.Figure("nginx_requests_per_second", static_cast<double>(requests) / Median(nginx.seconds),
                "1/s", "");
}

absl::Status CompareWithNginx(const Plan& plan, const Installation& installation,
                              const std::string& folder, absl::Time begin, Report& report) {
  ASSIGN_OR_RETURN(const ServerIdentity identity, FindEcdsaIdentity(installation.edge_folder()));
  ASSIGN_OR_RETURN(const std::unique_ptr<Nginx> server,
                   Nginx::Start(folder, identity, kServerProcessor));
  std::vector<std::string> requests;
  for (size_t i = 0; i < installation.devices(); ++i) {
    requests.push_back(installation.Heartbeat(i, false));
  }
  const CostBasis basis = AvailableBasis();
  ASSIGN_OR_RETURN(CostMeter nginx_meter, CostMeter::Attach(server->worker(), basis));
  ASSIGN_OR_RETURN(CostMeter edge_meter, CostMeter::Attach(installation.edge_process(), basis));
  Subject nginx{HttpsLoad(server->port()), std::move(nginx_meter), requests, {}, {}};
  Subject edge{HttpsLoad(installation.port()), std::move(edge_meter), requests, {}, {}};
  for (Subject* subject : {&edge, &nginx}) {
    RETURN_IF_ERROR(RunRound(*subject, plan.devices));
    subject->costs.clear();
    subject->seconds.clear();
  }
  for (size_t round = 0; round < plan.rounds; ++round) {
    if (round >= kLeastRounds && absl::Now() - begin > plan.last_round) break;
    RETURN_IF_ERROR(RunRound(edge, plan.requests_a_round));
    RETURN_IF_ERROR(RunRound(nginx, plan.requests_a_round));
  }
  AddRounds(nginx, edge, basis, plan.requests_a_round, report);
  return absl::OkStatus();
}

absl::Status Measure(const Plan& plan, const std::string& folder, Report& report) {
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(RaiseOpenFiles(static_cast<int>(plan.idle_connections) + 1000));
  StayOnProcessor(kClientProcessor);
  Say("starting a control plane and an edge");
  ASSIGN_OR_RETURN(const std::unique_ptr<Installation> installation,
                   Installation::Start(folder, kServerProcessor, kClientProcessor));
  Say(absl::StrCat("enrolling ", plan.devices, " devices"));
  RETURN_IF_ERROR(installation->Enroll(plan.devices));
  Say(absl::StrCat("comparing with nginx, ", plan.requests_a_round, " requests a round"));
  RETURN_IF_ERROR(CompareWithNginx(plan, *installation, folder, begin, report));
  Say(absl::StrCat("holding ", plan.idle_connections, " idle connections"));
  ASSIGN_OR_RETURN(const IdleFigures idle,
                   MeasureIdle(*installation, plan.idle_connections, begin + plan.last_idle));
  report.Figure("idle_connection_kib", idle.connection_kib, "KiB", "<= 25");
  report.Figure("idle_10000_mb", idle.resident_mb, "MB", "< 250");
  report.Figure("idle_connections", static_cast<double>(idle.held), "", "");
  ASSIGN_OR_RETURN(const size_t online, installation->OnlineDevices());
  report.Figure("devices_online", static_cast<double>(online), "",
                absl::StrCat("= ", plan.devices));
  report.Figure("seconds", absl::ToDoubleSeconds(absl::Now() - begin), "s",
                plan.quick ? "<= 45" : "");
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Plan plan;
  for (const absl::string_view argument : std::vector<std::string>(argv + 1, argv + argc)) {
    if (argument == "--quick") {
      plan.quick = true;
      plan.rounds = 15;
      plan.requests_a_round = 600;
      plan.last_round = absl::Seconds(20);
      plan.last_idle = absl::Seconds(38);
    } else if (argument == "--long") {
      plan.rounds = 60;
    } else {
      std::cerr << "usage: muster-bench-edge [--quick] [--long]" << std::endl;
      return argument == "--help" ? 0 : 2;
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<std::string> folder = MakeRunFolder(ProgramFolder() + "/../bench", "edge");
  if (!folder.ok()) return CannotMeasure(folder.status());
  Report report("edge", plan.quick);
  const absl::Status status = Measure(plan, *folder, report);
  if (!status.ok()) {
    Say(absl::StrCat("what the programs printed lies in ", *folder));
    return CannotMeasure(status);
  }
  std::error_code error;
  std::filesystem::remove_all(*folder, error);
  return report.Print();
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
