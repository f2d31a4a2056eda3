#include "server/main/cluster_view.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/program/options.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {
namespace {

NodeView ViewOf(const MemberReport& report) {
  NodeView node;
  node.id = report.node_id();
  node.display_name = report.display_name();
  node.version = report.version();
  node.api_address = report.api_address();
  node.edge_address = report.edge_address();
  node.log_state = report.log_state();
  node.log_reason = report.log_reason();
  node.log_index = report.log_index();
  node.ticking = report.ticking();
  node.feature_level = std::max(report.feature_level(), uint32_t{1});
  node.report_time = absl::FromUnixMicros(report.time_us());
  return node;
}

std::vector<NodeView> ViewsOf(const std::vector<MemberReport>& reports) {
  std::vector<NodeView> nodes;
  for (const MemberReport& report : reports) nodes.push_back(ViewOf(report));
  return nodes;
}

}  // namespace

MemberReport ClusterViewer::OwnReport() const {
  const LogHealth health = log_.Health();
  MemberReport report;
  report.set_node_id(member_ == nullptr ? 0 : member_->id());
  report.set_display_name(facts_.display_name);
  report.set_version(std::string(Version()));
  report.set_api_address(facts_.api_address);
  report.set_edge_address(facts_.edge_address);
  report.set_log_state(std::string(NameOf(health.state)));
  report.set_log_reason(health.reason);
  report.set_log_index(log_.AppliedPosition().index);
  report.set_feature_level(FeatureLevel());
  report.set_ticking(member_ == nullptr || member_->ticks());
  report.set_time_us(absl::ToUnixMicros(absl::Now()));
  return report;
}

void ClusterViewer::Hear(const std::vector<MemberReport>& reports) {
  std::vector<NodeView> nodes = ViewsOf(reports);
  watch_.Hear(nodes);
}

ClusterView ClusterViewer::View() {
  ClusterView view;
  const MemberReport own = OwnReport();
  view.answering = own.node_id();
  view.nodes.push_back(ViewOf(own));
  if (member_ == nullptr) return view;
  view.clustered = true;
  const absl::StatusOr<std::vector<MemberReport>> reports = member_->Members();
  if (!reports.ok()) {
    view.problem = std::string(reports.status().message());
    return view;
  }
  std::vector<NodeView> nodes = ViewsOf(*reports);
  watch_.Hear(nodes);
  for (NodeView& node : nodes) {
    if (node.id != own.node_id()) view.nodes.push_back(std::move(node));
  }
  return view;
}

std::string HostName() {
  std::array<char, 65> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "node";
  return name.data();
}

}  // namespace muster::server
