// muster-bench-job: how long a job takes from the call of the API until it waits at the edge of its
// device, while 100,000 devices check in; one control plane, then three on etcd. See
// docs/performance.md.
#include <csignal>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/secrets/secrets.h"
#include "common/status/status_macros.h"
#include "tests/bench/cluster/control_group.h"
#include "tests/bench/cluster/disk_probe.h"
#include "tests/bench/cluster/job_load.h"
#include "tests/bench/support/report.h"

namespace muster::bench {
namespace {

constexpr size_t kDevices = 100'020;
constexpr size_t kEdges = 8;
// 3,334 a second.
constexpr double kCheckInsPerSecond = static_cast<double>(kDevices) / kIntervalSeconds;
constexpr int kCallers = 4;
// To each node.
constexpr int kConnections = 2;
constexpr double kJobsPerSecond = 50;
constexpr absl::Duration kSettle = absl::Seconds(1);
constexpr absl::Duration kArriveTimeout = absl::Seconds(10);

struct Plan {
  bool quick = false;
  absl::Duration load = absl::Seconds(60);
};

struct Latencies {
  std::vector<double> at_edge_ms;
  std::vector<double> disk_ms;
  double check_ins_per_second = 0;
};

absl::StatusOr<Latencies> LoadGroup(ControlGroup& group, const Fleet& fleet, const Plan& plan) {
  JobLoad jobs(fleet, group.nodes());
  Edges edges = group.MakeEdges();
  for (const auto& edge : edges) {
    edge->OnJob([&](uint64_t device, absl::Time now) { jobs.Arrived(device, now); });
  }
  RETURN_IF_ERROR(OnAll(edges, [](SimulatedEdge& edge) { return edge.Connect(); }));
  const absl::Time end = absl::Now() + kSettle + plan.load + absl::Milliseconds(500);
  absl::Status sending;
  std::thread load([&] {
    sending = OnAll(edges, [&](SimulatedEdge& edge) {
      return edge.Run(kCheckInsPerSecond / static_cast<double>(kEdges), end);
    });
  });
  const absl::Status connected = jobs.Connect(kConnections);
  absl::SleepFor(kSettle);
  Latencies found;
  DiskProbe disk(group.folder());
  const uint64_t before = AcknowledgedBy(edges);
  const absl::Time begin = absl::Now();
  const absl::Status calling =
      connected.ok() ? jobs.Run(kCallers, kJobsPerSecond, begin + plan.load) : connected;
  found.check_ins_per_second = static_cast<double>(AcknowledgedBy(edges) - before) /
                               absl::ToDoubleSeconds(absl::Now() - begin);
  found.disk_ms = disk.Stop();
  load.join();
  RETURN_IF_ERROR(calling);
  RETURN_IF_ERROR(sending);
  if (!jobs.WaitForAll(kArriveTimeout)) {
    return absl::InternalError(absl::StrCat(jobs.created() - jobs.arrived(), " of ", jobs.created(),
                                            " jobs never came to their edge"));
  }
  found.at_edge_ms = jobs.ArrivalMilliseconds();
  return found;
}

absl::Status MeasureKind(GroupKind kind, const Fleet& fleet, const Plan& plan, Report& report) {
  const bool alone = kind == GroupKind::kAlone;
  Say(alone ? "one control plane" : "three control planes on three members of etcd");
  ASSIGN_OR_RETURN(const std::unique_ptr<ControlGroup> group, ControlGroup::Start(kind, fleet));
  absl::StatusOr<Latencies> found = LoadGroup(*group, fleet, plan);
  if (!found.ok()) {
    group->Keep();
    Say("what the programs printed lies in " + group->folder());
    return found.status();
  }
  const absl::string_view end = alone ? "" : "_etcd";
  const double all = Percentile(found->at_edge_ms, 0.99);
  const double disk = Percentile(found->disk_ms, 0.99);
  report.Figure(absl::StrCat("at_edge_p99_ms", end), all - 2 * disk, "ms",
                alone ? "<= 20" : "<= 60");
  report.Figure(absl::StrCat("call_to_edge_p99_ms", end), all, "ms", "");
  report.Figure(absl::StrCat("call_to_edge_p50_ms", end), Percentile(found->at_edge_ms, 0.5), "ms",
                "");
  report.Figure(absl::StrCat("fdatasync_p99_ms", end), disk, "ms", "");
  report.Figure(absl::StrCat("fdatasync_p50_ms", end), Percentile(found->disk_ms, 0.5), "ms", "");
  report.Figure(absl::StrCat("jobs", end), static_cast<double>(found->at_edge_ms.size()), "", "");
  report.Figure(absl::StrCat("checkins_per_second", end), found->check_ins_per_second, "1/s",
                ">= 3300");
  return absl::OkStatus();
}

absl::Status Measure(const Plan& plan, Report& report) {
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(InitializeCryptography());
  const Fleet fleet(kDevices, kEdges);
  RETURN_IF_ERROR(MeasureKind(GroupKind::kAlone, fleet, plan, report));
  RETURN_IF_ERROR(MeasureKind(GroupKind::kThreeOnEtcd, fleet, plan, report));
  report.Figure("seconds", absl::ToDoubleSeconds(absl::Now() - begin), "s",
                plan.quick ? "<= 45" : "");
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--quick") {
      plan = {.quick = true, .load = absl::Seconds(8)};
    } else if (argument == "--long") {
      plan.load = absl::Minutes(10);
    } else {
      std::cerr << "usage: muster-bench-job [--quick] [--long]\n";
      return argument == "--help" ? 0 : 2;
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  Report report("job", plan.quick);
  const absl::Status status = Measure(plan, report);
  return status.ok() ? report.Print() : CannotMeasure(status);
}

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) { return muster::bench::Main(argc, argv); }
