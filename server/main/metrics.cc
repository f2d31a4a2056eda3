// Metrics for Prometheus. What is counted as it happens is a counter; what the state knows is read
// when somebody scrapes, so that an installation without Prometheus pays nothing.
#include "server/main/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/sync/mutex.h"

namespace muster::server {
namespace {

// Two scrapers must not walk a million devices each.
constexpr std::chrono::seconds kCountInterval{15};
// By value of OnlineState, which begins at 1.
constexpr std::array<const char*, 5> kOnlineNames = {"", "online", "offline", "unknown", "never"};

prometheus::MetricFamily Gauge(const std::string& name, const std::string& help) {
  return {name, help, prometheus::MetricType::Gauge, {}};
}

void AddValue(prometheus::MetricFamily* family, std::vector<prometheus::ClientMetric::Label> labels,
              double value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family->metric.push_back(std::move(metric));
}

// Reads the state when it is scraped.
class StateCollector : public prometheus::Collectable {
 public:
  explicit StateCollector(const MetricSources& sources) : sources_(sources) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families;
    families.push_back(Gauge("muster_log_index", "Index of the last applied log entry"));
    AddValue(&families.back(), {}, static_cast<double>(sources_.log.AppliedPosition().index));
    families.push_back(Gauge("muster_state_time_seconds", "State time, seconds since 1970"));
    AddValue(&families.back(), {}, absl::ToUnixMillis(sources_.state.StateTime()) / 1000.0);
    families.push_back(Gauge("muster_edge_streams", "Open streams of edge proxies"));
    AddValue(&families.back(), {}, static_cast<double>(sources_.edge_streams()));
    AddLog(&families);
    AddLogState(&families);
    if (sources_.member != nullptr) AddMember(*sources_.member, &families);
    AddDevices(&families);
    return families;
  }

 private:
  struct Counts {
    std::array<uint64_t, 5> online{};
    uint64_t organizations = 0;
  };

  Counts Count() const {
    Counts counts;
    std::string after;
    while (true) {
      const std::vector<Organization> page = sources_.state.ListOrganizations(after, 1000);
      // By organization, since the scan is.
      if (page.empty()) return counts;
      after = page.back().slug;
      for (const Organization& organization : page) {
        ++counts.organizations;
        sources_.state.ScanStatuses(organization.id, [&](DeviceId, const DeviceStatus& status) {
          ++counts.online[static_cast<size_t>(status.online) % counts.online.size()];
          return true;
        });
      }
    }
  }

  // One series a state, 1 for the one that it is in.
  void AddLogState(std::vector<prometheus::MetricFamily>* families) const {
    const LogState now = sources_.log.Health().state;
    families->push_back(Gauge("muster_log_state", "1 for the state that the command log is in"));
    for (const LogState state :
         {LogState::kServing, LogState::kCatchingUp, LogState::kReadOnly, LogState::kNeedsSnapshot,
          LogState::kStopped, LogState::kStatesDiffer}) {
      AddValue(&families->back(), {{"state", std::string(NameOf(state))}}, state == now ? 1 : 0);
    }
  }

  static void AddMember(const EtcdNode& node, std::vector<prometheus::MetricFamily>* families) {
    const EtcdLogCounts& counts = node.counts();
    const auto add_gauge = [&](const char* name, const char* help, uint64_t value) {
      families->push_back(Gauge(name, help));
      AddValue(&families->back(), {}, static_cast<double>(value));
    };
    add_gauge("muster_ticks_here", "1 where this node brings time into the log", node.ticks());
    add_gauge("muster_states_differ",
              "1 where this node refuses changes, since its state and another's differ",
              node.states_differ());
    add_gauge("muster_state_compared_index",
              "Newest log index at which this state and another node's had the same hash",
              node.compared_index());
    add_gauge("muster_etcd_bytes", "Size of etcd's file", counts.etcd_bytes);
    add_gauge("muster_etcd_bytes_in_use", "What of it is in use", counts.etcd_bytes_in_use);
    add_gauge("muster_log_pins", "Nodes that bring themselves up to date; the log is not trimmed",
              counts.pins);
    const auto add_counter = Counter(families);
    add_counter("muster_etcd_sessions_total", "Sessions with etcd that began", counts.sessions);
    add_counter("muster_etcd_repeated_puts_total", "Puts that were repeated", counts.repeated_puts);
    add_counter("muster_log_passed_over_total", "Entries that were repetitions or replays",
                counts.passed_over);
    add_counter("muster_log_unreadable_total", "Entries that no node had written",
                counts.unreadable);
  }

  static std::function<void(const char*, const char*, uint64_t)> Counter(
      std::vector<prometheus::MetricFamily>* families) {
    return [families](const char* name, const char* help, uint64_t value) {
      prometheus::ClientMetric metric;
      metric.counter.value = static_cast<double>(value);
      families->push_back({name, help, prometheus::MetricType::Counter, {metric}});
    };
  }

  void AddLog(std::vector<prometheus::MetricFamily>* families) const {
    const LogCounts& counts = sources_.log.counts();
    families->push_back(Gauge("muster_commands_waiting", "Commands that were not applied yet"));
    AddValue(&families->back(), {}, static_cast<double>(counts.waiting));
    const auto add_counter = Counter(families);
    add_counter("muster_commands_applied_total", "Commands that took effect", counts.applied);
    add_counter("muster_commands_refused_total", "Commands without effect", counts.refused);
    add_counter("muster_check_ins_total", "Check-ins taken from edges", counts.check_ins);
    add_counter("muster_job_results_total", "Job results taken from edges", counts.job_results);
    add_counter("muster_jobs_created_total", "Jobs created", counts.jobs_created);
    add_counter("muster_devices_enrolled_total", "Devices enrolled", counts.devices_enrolled);
  }

  void AddDevices(std::vector<prometheus::MetricFamily>* families) const {
    MutexLock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (!counted_ || now - counted_at_ >= kCountInterval) {
      counts_ = Count();
      counted_ = true;
      counted_at_ = now;
    }
    families->push_back(Gauge("muster_devices", "Devices by online state"));
    for (size_t i = 1; i < kOnlineNames.size(); ++i) {
      AddValue(&families->back(), {{"online", kOnlineNames[i]}},
               static_cast<double>(counts_.online[i]));
    }
    families->push_back(Gauge("muster_organizations", "Organizations"));
    AddValue(&families->back(), {}, static_cast<double>(counts_.organizations));
  }

  const MetricSources sources_;
  mutable Mutex mutex_;
  mutable Counts counts_ ABSL_GUARDED_BY(mutex_);
  mutable bool counted_ ABSL_GUARDED_BY(mutex_) = false;
  mutable std::chrono::steady_clock::time_point counted_at_ ABSL_GUARDED_BY(mutex_);
};

class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics()
      : registry_(std::make_shared<prometheus::Registry>()),
        calls_(prometheus::BuildCounter()
                   .Name("muster_api_calls_total")
                   .Help("Calls of muster.v1 by method and gRPC code")
                   .Register(*registry_)) {}

  void CountCall(absl::string_view method, grpc::StatusCode code) override {
    calls_.Add({{"method", std::string(method)}, {"code", absl::StrCat(static_cast<int>(code))}})
        .Increment();
  }

  absl::StatusOr<std::string> Serve(const std::string& address,
                                    const MetricSources& sources) override {
    const size_t colon = address.rfind(':');
    collector_ = std::make_shared<StateCollector>(sources);
    // prometheus-cpp throws where it can't listen; no throw leaves this room.
    try {
      exposer_ = std::make_unique<prometheus::Exposer>(address, 1);
    } catch (const std::exception&) {
      return absl::FailedPreconditionError(
          absl::StrCat("can't listen on ", address,
                       " for metrics: the address is in use or not ours; choose another with "
                       "--metrics, or --metrics off"));
    }
    exposer_->RegisterCollectable(registry_);
    exposer_->RegisterCollectable(collector_);
    const std::vector<int> ports = exposer_->GetListeningPorts();
    if (ports.empty()) return address;
    return absl::StrCat(address.substr(0, colon), ":", ports.front());
  }

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& calls_;
  std::shared_ptr<StateCollector> collector_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace

std::unique_ptr<Metrics> Metrics::Make() { return std::make_unique<PrometheusMetrics>(); }

}  // namespace muster::server
