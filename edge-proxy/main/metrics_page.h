// The edge's numbers for Prometheus, over plain HTTP: they name no router and no customer, but they
// tell how many there are, so the page listens on loopback unless told otherwise.
//
// Threads:  safe to call from any thread.
// Owns:     the HTTP listener and its thread; what `collect` reads must outlive this object.
// Errors:   Unavailable for an address that can't be bound.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace muster::edge {

struct MetricValue {
  // Without the prefix "muster_edge_".
  std::string name;
  double value = 0;
  // True: only rises, and the name gets "_total".
  bool counter = false;
  std::vector<std::pair<std::string, std::string>> labels;
};

class MetricsPage {
 public:
  // `collect` is called for each scrape, from the listener's thread.
  // `listen` is ADDR:PORT; port 0 picks a free one.
  static absl::StatusOr<std::unique_ptr<MetricsPage>> Start(
      const std::string& listen, std::function<std::vector<MetricValue>()> collect);
  ~MetricsPage();

  // The bound ADDR:PORT.
  const std::string& address() const { return address_; }

 private:
  struct State;
  MetricsPage();

  std::unique_ptr<State> state_;
  std::string address_;
};

}  // namespace muster::edge
