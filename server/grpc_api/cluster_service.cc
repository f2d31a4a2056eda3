#include "server/grpc_api/cluster_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "server/grpc_api/api_convert.h"

namespace muster::server {
namespace {

constexpr char kStatus[] = "muster.v1.ClusterService/GetClusterStatus";
// Five reports that did not come.
constexpr absl::Duration kSilent = absl::Seconds(15);
// Nodes are not taken off a list: one that was replaced is shown for a day.
constexpr absl::Duration kForgotten = absl::Hours(24);

v1::NodeState StateOf(absl::string_view name) {
  for (const LogState state : {LogState::kServing, LogState::kCatchingUp, LogState::kReadOnly,
                               LogState::kNeedsSnapshot, LogState::kStopped}) {
    // The enums stand in the same order, the wire's from 1.
    if (NameOf(state) == name) return static_cast<v1::NodeState>(static_cast<int>(state) + 1);
  }
  return v1::NODE_STATE_UNSPECIFIED;
}

void Fill(const NodeView& node, bool answering, absl::Time now, v1::ClusterNode& message) {
  message.set_name(absl::StrCat("nodes/", FormatId(node.id)));
  message.set_display_name(node.display_name);
  message.set_version(node.version);
  message.set_api_address(node.api_address);
  message.set_edge_address(node.edge_address);
  message.set_state(StateOf(node.log_state));
  message.set_state_reason(node.log_reason);
  message.set_log_index(static_cast<int64_t>(node.log_index));
  message.set_ticking(node.ticking);
  message.mutable_report_time()->set_seconds(absl::ToUnixSeconds(node.report_time));
  message.set_answering(answering);
  message.set_silent(!answering && now - node.report_time > kSilent);
}

}  // namespace

grpc::Status ClusterGrpcService::GetClusterStatus(grpc::ServerContext* context,
                                                  const v1::GetClusterStatusRequest* request,
                                                  v1::GetClusterStatusResponse* response) {
  return gate_.Run(*context, kStatus, *request, [&](const ApiCall&) -> absl::Status {
    if (!ask_) return absl::FailedPreconditionError("this server knows of no nodes");
    ClusterView view = ask_();
    std::sort(view.nodes.begin(), view.nodes.end(), [](const NodeView& a, const NodeView& b) {
      return std::pair(a.display_name, a.id) < std::pair(b.display_name, b.id);
    });
    const absl::Time now = absl::Now();
    for (const NodeView& node : view.nodes) {
      const bool answering = node.id == view.answering;
      if (!answering && now - node.report_time > kForgotten) continue;
      Fill(node, answering, now, *response->add_nodes());
    }
    response->set_clustered(view.clustered);
    response->set_problem(view.problem);
    return absl::OkStatus();
  });
}

}  // namespace muster::server
