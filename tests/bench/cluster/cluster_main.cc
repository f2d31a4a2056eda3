// muster-bench-cluster: how many check-ins and how many jobs three control planes on three members
// of etcd take in a second, each alone. How long they are silent when one is killed is measured by
// `run` beside this file. See docs/performance.md.
#include <csignal>
#include <iostream>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "tests/bench/cluster/control_group.h"
#include "tests/bench/cluster/job_load.h"
#include "tests/bench/support/process_cost.h"
#include "tests/bench/support/report.h"

namespace muster::bench {
namespace {

constexpr size_t kDevices = 100'000;
constexpr size_t kEdges = 6;
// Enough that the log always has something to put together, as many operators' scripts would.
constexpr int kCallers = 240;
// To each node, which callers share as those of one program do.
constexpr int kConnections = 8;
constexpr absl::Duration kSettle = absl::Seconds(1);
constexpr absl::Duration kDrainTimeout = absl::Seconds(20);

struct Plan {
  bool quick = false;
  absl::Duration load = absl::Seconds(30);
};

// CPU time of all musterd and all members of etcd since they began.
absl::StatusOr<double> CpuOf(const ControlGroup& group) {
  double all = 0;
  for (const pid_t process : group.processes()) {
    ASSIGN_OR_RETURN(const double one, CpuNanoseconds(process));
    all += one;
  }
  return all;
}

absl::Status LoadCheckIns(const ControlGroup& group, Edges& edges, const Plan& plan,
                          Report& report) {
  Say("check-ins, as fast as the edges' windows let through");
  const absl::Time end = absl::Now() + kSettle + plan.load;
  absl::Status sending;
  std::thread load(
      [&] { sending = OnAll(edges, [&](SimulatedEdge& edge) { return edge.Run(0, end); }); });
  absl::SleepFor(kSettle);
  const uint64_t before = AcknowledgedBy(edges);
  const absl::StatusOr<double> cpu_before = CpuOf(group);
  const absl::Time begin = absl::Now();
  absl::SleepFor(plan.load - absl::Milliseconds(100));
  const double taken = static_cast<double>(AcknowledgedBy(edges) - before);
  const absl::StatusOr<double> cpu_after = CpuOf(group);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  load.join();
  RETURN_IF_ERROR(cpu_before.status());
  RETURN_IF_ERROR(cpu_after.status());
  RETURN_IF_ERROR(sending);
  RETURN_IF_ERROR(OnAll(edges, [](SimulatedEdge& edge) { return edge.Drain(kDrainTimeout); }));
  uint64_t sent = 0, acknowledged = 0;
  for (const auto& edge : edges) {
    const EdgeFigures figures = edge->TakeFigures();
    sent += figures.sent;
    acknowledged += figures.acknowledged - figures.refused;
    if (!figures.refusal.empty()) Say("refused: " + figures.refusal);
  }
  report.Figure("checkins_per_second", taken / seconds, "1/s", ">= 10000");
  report.Figure("cluster_us_per_checkin", (*cpu_after - *cpu_before) / 1e3 / taken, "us", "");
  report.Figure("checkins_lost", static_cast<double>(sent - acknowledged), "", "0");
  return absl::OkStatus();
}

absl::Status LoadJobs(const ControlGroup& group, JobLoad& jobs, const Plan& plan, Report& report) {
  Say("jobs, one device each, as fast as the API answers");
  RETURN_IF_ERROR(jobs.Connect(kConnections));
  ASSIGN_OR_RETURN(const double cpu_before, CpuOf(group));
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(jobs.Run(kCallers, 0, begin + plan.load));
  const double waiting = static_cast<double>(jobs.arrived());
  report.Figure("jobs_per_second", waiting / absl::ToDoubleSeconds(absl::Now() - begin), "1/s",
                ">= 1000");
  ASSIGN_OR_RETURN(const double cpu_after, CpuOf(group));
  report.Figure("cluster_us_per_job", (cpu_after - cpu_before) / 1e3 / waiting, "us", "");
  const bool all = jobs.WaitForAll(kDrainTimeout);
  report.Figure("jobs_lost", static_cast<double>(all ? 0 : jobs.created() - jobs.arrived()), "",
                "0");
  return absl::OkStatus();
}

absl::Status LoadGroup(ControlGroup& group, const Fleet& fleet, const Plan& plan, Report& report) {
  JobLoad jobs(fleet, group.nodes());
  Edges edges = group.MakeEdges();
  for (const auto& edge : edges) {
    edge->OnJob([&](uint64_t device, absl::Time now) { jobs.Arrived(device, now); });
  }
  RETURN_IF_ERROR(OnAll(edges, [](SimulatedEdge& edge) { return edge.Connect(); }));
  RETURN_IF_ERROR(LoadCheckIns(group, edges, plan, report));
  return LoadJobs(group, jobs, plan, report);
}

absl::Status Measure(const Plan& plan, Report& report) {
  RETURN_IF_ERROR(InitializeCryptography());
  const Fleet fleet(kDevices, kEdges);
  Say("three control planes on three members of etcd");
  ASSIGN_OR_RETURN(const std::unique_ptr<ControlGroup> group,
                   ControlGroup::Start(GroupKind::kThreeOnEtcd, fleet));
  const absl::Status status = LoadGroup(*group, fleet, plan, report);
  if (!status.ok()) {
    group->Keep();
    Say("what the programs printed lies in " + group->folder());
  }
  return status;
}

int Main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--quick") {
      plan = {.quick = true, .load = absl::Milliseconds(2500)};
    } else {
      std::cerr << "usage: muster-bench-cluster [--quick]\n";
      return argument == "--help" ? 0 : 2;
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  Report report("cluster", plan.quick);
  const absl::Status status = Measure(plan, report);
  return status.ok() ? report.Print() : CannotMeasure(status);
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
