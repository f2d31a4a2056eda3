// A page for Prometheus by prometheus-cpp, which throws where it can't bind: caught here.
#include "edge-proxy/main/metrics_page.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::edge {
namespace {

// Collected for each scrape instead of counted in prometheus-cpp's own objects: the edge's counters
// are plain atomics that a beat can afford.
class Page : public prometheus::Collectable {
 public:
  explicit Page(std::function<std::vector<MetricValue>()> collect) : collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::map<std::string, prometheus::MetricFamily> families;
    for (const MetricValue& value : collect_()) {
      const std::string name =
          absl::StrCat("muster_edge_", value.name, value.counter ? "_total" : "");
      prometheus::MetricFamily& family = families[name];
      family.name = name;
      family.type = value.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
      prometheus::ClientMetric metric;
      for (const auto& [label, text] : value.labels) metric.label.push_back({label, text});
      // The page shows the one that the type names.
      metric.counter.value = value.value;
      metric.gauge.value = value.value;
      family.metric.push_back(std::move(metric));
    }
    std::vector<prometheus::MetricFamily> all;
    for (auto& [name, family] : families) all.push_back(std::move(family));
    return all;
  }

 private:
  const std::function<std::vector<MetricValue>()> collect_;
};

}  // namespace

struct MetricsPage::State {
  // Shared because Exposer keeps a weak pointer.
  std::shared_ptr<Page> page;
  std::unique_ptr<prometheus::Exposer> exposer;
};

MetricsPage::MetricsPage() : state_(std::make_unique<State>()) {}
MetricsPage::~MetricsPage() = default;

absl::StatusOr<std::unique_ptr<MetricsPage>> MetricsPage::Start(
    const std::string& listen, std::function<std::vector<MetricValue>()> collect) {
  std::unique_ptr<MetricsPage> page(new MetricsPage());
  page->state_->page = std::make_shared<Page>(std::move(collect));
  try {
    page->state_->exposer = std::make_unique<prometheus::Exposer>(listen, 1);
    page->state_->exposer->RegisterCollectable(page->state_->page);
    const std::vector<int> ports = page->state_->exposer->GetListeningPorts();
    page->address_ =
        absl::StrCat(listen.substr(0, listen.rfind(':')), ":", ports.empty() ? 0 : ports.front());
  } catch (const std::exception& problem) {
    return absl::UnavailableError(
        absl::StrCat("can't serve metrics on --metrics ", listen, ": ", problem.what()));
  }
  return page;
}

}  // namespace muster::edge
