// The nodes of a cluster by their own reports, as the node that answers knows them.
//
// Threads:  values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace muster::server {

// A node whose report has not changed for longer is silent: five that did not come.
inline constexpr absl::Duration kSilentAfter = absl::Seconds(15);

struct NodeView {
  uint64_t id = 0;
  std::string display_name;
  std::string version;
  std::string api_address;
  std::string edge_address;
  // NameOf(LogState), and why.
  std::string log_state;
  std::string log_reason;
  uint64_t log_index = 0;
  bool ticking = false;
  // By the node's own clock.
  absl::Time report_time;
  // It has not reported lately, by the steady clock of the node that answers (ReportWatch).
  bool silent = false;
  // The highest that its program knows.
  uint32_t feature_level = 1;
};

struct ClusterView {
  // Of the node that answers; it is one of `nodes`.
  uint64_t answering = 0;
  bool clustered = false;
  // Why the reports of the others can't be read; empty: they were.
  std::string problem;
  std::vector<NodeView> nodes;
};

using ClusterAsker = std::function<ClusterView()>;
// Takes the report of a removed node away.
using ReportForgetter = std::function<absl::Status(uint64_t node_id)>;

}  // namespace muster::server
