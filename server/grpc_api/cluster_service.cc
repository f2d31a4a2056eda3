#include "server/grpc_api/cluster_service.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "server/errors/errors.h"
#include "server/grpc_api/api_convert.h"
#include "server/grpc_api/request_convert.h"

namespace muster::server {
namespace {

#define METHOD(name) "muster.v1.ClusterService/" name

v1::NodeState StateOf(absl::string_view name) {
  for (const LogState state :
       {LogState::kServing, LogState::kCatchingUp, LogState::kReadOnly, LogState::kNeedsSnapshot,
        LogState::kStopped, LogState::kStatesDiffer}) {
    // The enums stand in the same order, the wire's from 1.
    if (NameOf(state) == name) return static_cast<v1::NodeState>(static_cast<int>(state) + 1);
  }
  return v1::NODE_STATE_UNSPECIFIED;
}

void SetTime(int64_t time_us, google::protobuf::Timestamp& out) {
  out.set_seconds(time_us / 1'000'000);
  out.set_nanos(static_cast<int32_t>(time_us % 1'000'000 * 1'000));
}

void Fill(const NodeReport& node, v1::ClusterNode& message) {
  const NodeView& view = node.view;
  message.set_name(absl::StrCat("nodes/", FormatId(view.id)));
  message.set_display_name(view.display_name);
  message.set_version(view.version);
  message.set_api_address(view.api_address);
  message.set_edge_address(view.edge_address);
  message.set_state(StateOf(view.log_state));
  message.set_state_reason(view.log_reason);
  message.set_log_index(static_cast<int64_t>(view.log_index));
  message.set_ticking(view.ticking && !node.silent);
  if (!view.version.empty()) {
    message.mutable_report_time()->set_seconds(absl::ToUnixSeconds(view.report_time));
    message.set_feature_level(static_cast<int32_t>(view.feature_level));
  }
  message.set_answering(node.answering);
  message.set_silent(node.silent);
  message.set_removed(node.removed);
  if (node.join_time_us > 0) SetTime(node.join_time_us, *message.mutable_join_time());
  if (node.removed) SetTime(node.remove_time_us, *message.mutable_remove_time());
}

absl::StatusOr<uint64_t> ReadNode(absl::string_view name) {
  std::optional<uint64_t> id;
  // A node that is alone has 0, which ParseId takes for no id.
  if (name == absl::StrCat("nodes/", FormatId(uint64_t{0}))) return 0;
  if (absl::ConsumePrefix(&name, "nodes/")) id = ParseId(name);
  if (id.has_value()) return *id;
  return BadField("name", "wants the form nodes/NODE");
}

// Where a new node may ask: this one first.
std::vector<std::string> AddressesOf(const ClusterReport& report) {
  std::vector<std::string> addresses;
  for (const NodeReport& node : report.nodes) {
    if (node.removed || node.silent || node.view.edge_address.empty()) continue;
    addresses.insert(node.answering ? addresses.begin() : addresses.end(), node.view.edge_address);
  }
  return addresses;
}

}  // namespace

grpc::Status ClusterGrpcService::GetClusterStatus(grpc::ServerContext* context,
                                                  const v1::GetClusterStatusRequest* request,
                                                  v1::GetClusterStatusResponse* response) {
  return gate_.Run(
      *context, METHOD("GetClusterStatus"), *request, [&](const ApiCall&) -> absl::Status {
        ASSIGN_OR_RETURN(const ClusterReport report, nodes_.Look(request->show_removed()));
        for (const NodeReport& node : report.nodes) Fill(node, *response->add_nodes());
        response->set_clustered(report.clustered);
        response->set_problem(report.problem);
        response->set_feature_level(static_cast<int32_t>(report.feature_level));
        response->set_highest_feature_level(static_cast<int32_t>(report.highest_level));
        for (const std::string& name : report.held_by) response->add_held_by(name);
        return absl::OkStatus();
      });
}

grpc::Status ClusterGrpcService::FinalizeUpgrade(grpc::ServerContext* context,
                                                 const v1::FinalizeUpgradeRequest* request,
                                                 v1::FinalizeUpgradeResponse* response) {
  return gate_.Run(*context, METHOD("FinalizeUpgrade"), *request,
                   [&](const ApiCall& call) -> absl::Status {
                     ASSIGN_OR_RETURN(const FinalizedUpgrade upgrade,
                                      nodes_.Finalize(call.caller(), call.audited()));
                     response->set_feature_level(static_cast<int32_t>(upgrade.after));
                     response->set_previous_feature_level(static_cast<int32_t>(upgrade.before));
                     for (const std::string& name : upgrade.silent)
                       response->add_silent_nodes(name);
                     return absl::OkStatus();
                   });
}

grpc::Status ClusterGrpcService::RemoveNode(grpc::ServerContext* context,
                                            const v1::RemoveNodeRequest* request,
                                            v1::RemoveNodeResponse* response) {
  return gate_.Run(*context, METHOD("RemoveNode"), *request,
                   [&](const ApiCall& call) -> absl::Status {
                     ASSIGN_OR_RETURN(const uint64_t node, ReadNode(request->name()));
                     ASSIGN_OR_RETURN(const RemovedNode removed,
                                      nodes_.Remove(call.caller(), call.audited(), node));
                     Fill(removed.node, *response->mutable_node());
                     response->set_remaining_count(static_cast<int32_t>(removed.remaining));
                     response->set_live_count(static_cast<int32_t>(removed.live));
                     response->set_key_generation(static_cast<int32_t>(removed.key_generation));
                     return absl::OkStatus();
                   });
}

grpc::Status ClusterGrpcService::CreateJoinToken(grpc::ServerContext* context,
                                                 const v1::CreateJoinTokenRequest* request,
                                                 v1::CreateJoinTokenResponse* response) {
  return gate_.Run(
      *context, METHOD("CreateJoinToken"), *request, [&](const ApiCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const absl::Duration ttl, ReadDuration("ttl", request->ttl()));
        ASSIGN_OR_RETURN(const ClusterReport report, nodes_.Look(false));
        ASSIGN_OR_RETURN(const NewJoinFile token,
                         joining_.Create(call.caller(), call.audited(), AddressesOf(report), ttl));
        response->set_join_file(std::string(token.join_file.Reveal()));
        SetTime(absl::ToUnixMicros(token.expires), *response->mutable_expire_time());
        return absl::OkStatus();
      });
}

}  // namespace muster::server
