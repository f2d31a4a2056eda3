#include "server/administration/cluster_nodes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids/ids.h"
#include "common/status/status_macros.h"
#include "server/command_log/log/feature_level.h"
#include "server/command_log/log/member_key.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

// Nodes that the member table doesn't know are not taken off a list: one that was replaced is shown
// for a day.
constexpr absl::Duration kForgotten = absl::Hours(24);

std::string NodeName(uint64_t id) { return absl::StrCat("nodes/", FormatId(id)); }

void TakeMember(const Member& member, NodeReport& node) {
  if (node.view.id == 0) {
    node.view.id = member.id;
    node.view.display_name = member.display_name;
    node.silent = true;
  }
  node.join_time_us = member.join_time_us;
  node.remove_time_us = member.remove_time_us;
  node.removed = member.remove_index > 0;
}

bool ByName(const NodeReport& a, const NodeReport& b) {
  return std::pair(a.view.display_name, a.view.id) < std::pair(b.view.display_name, b.view.id);
}

// It can take over what another one did.
bool IsLive(const NodeReport& node) {
  return !node.removed && !node.silent && node.view.log_state == NameOf(LogState::kServing);
}

}  // namespace

absl::Status ClusterNodes::CheckLevel(internal::v1::Command::PayloadCase kind) const {
  return CheckFeatureLevel(state_.FeatureLevel(), LevelOfKind(kind));
}

absl::StatusOr<ClusterReport> ClusterNodes::Look(bool show_removed) const {
  if (!ask_) return absl::FailedPreconditionError("this server knows of no nodes");
  ClusterView view = ask_();
  std::map<uint64_t, NodeReport> nodes;
  for (NodeView& one : view.nodes) {
    NodeReport node;
    node.answering = one.id == view.answering;
    node.silent = !node.answering && one.silent;
    node.view = std::move(one);
    nodes[node.view.id] = std::move(node);
  }
  if (view.clustered) {
    for (const Member& member : state_.ListMembers()) TakeMember(member, nodes[member.id]);
  }
  ClusterReport report;
  report.clustered = view.clustered;
  report.problem = std::move(view.problem);
  report.feature_level = state_.FeatureLevel();
  report.highest_level = FeatureLevel();
  for (auto& [id, node] : nodes) {
    const bool unknown = node.join_time_us == 0 && !node.removed && !node.answering;
    if (unknown && absl::Now() - node.view.report_time > kForgotten) continue;
    // It may have reported once more before it heard of it.
    if (node.removed && !node.answering && forget_) forget_(id).IgnoreError();
    if (node.removed && !show_removed && !node.answering) continue;
    if (!node.removed && node.silent) report.silent.push_back(node.view.display_name);
    if (!node.removed && !node.silent && node.view.feature_level < report.highest_level) {
      report.held_by.push_back(node.view.display_name);
    }
    report.nodes.push_back(std::move(node));
  }
  std::sort(report.nodes.begin(), report.nodes.end(), ByName);
  std::sort(report.held_by.begin(), report.held_by.end());
  std::sort(report.silent.begin(), report.silent.end());
  return report;
}

absl::StatusOr<FinalizedUpgrade> ClusterNodes::Finalize(const Caller& caller,
                                                        const AuditedCall& call) {
  ASSIGN_OR_RETURN(ClusterReport report, Look(false));
  FinalizedUpgrade upgrade;
  upgrade.before = report.feature_level;
  upgrade.after = std::max(report.feature_level, report.highest_level);
  upgrade.silent = std::move(report.silent);
  if (upgrade.after == upgrade.before) return upgrade;
  if (!report.problem.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "whether all nodes have the new version is not known: ", report.problem, "; try again"));
  }
  if (!report.held_by.empty()) {
    const std::string silent =
        upgrade.silent.empty()
            ? ""
            : absl::StrCat("; silent, and not asked: ", absl::StrJoin(upgrade.silent, ", "));
    return absl::FailedPreconditionError(absl::StrCat(
        "nodes whose program does not know feature level ", upgrade.after,
        " yet: ", absl::StrJoin(report.held_by, ", "), "; upgrade them first", silent));
  }
  if (call.validate_only) return upgrade;
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  command.mutable_finalize_upgrade()->set_level(upgrade.after);
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  return upgrade;
}

absl::StatusOr<internal::v1::RemoveMember> ClusterNodes::RemoveWithNewKey(
    const NodeView& node) const {
  const Secret key = RandomSecret(kMasterKeyBytes);
  internal::v1::RemoveMember remove;
  remove.set_node_id(node.id);
  remove.set_display_name(node.display_name);
  remove.set_key_generation(state_.KeyGeneration() + 1);
  for (const Member& member : state_.ListMembers()) {
    if (member.id == node.id || member.remove_index > 0 || member.join_index == 0) continue;
    absl::StatusOr<std::string> sealed = SealForMember(member.public_key, state_.ClusterId(),
                                                       remove.key_generation(), member.id, key);
    if (!sealed.ok()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the key of ", NodeName(member.id), " (", member.display_name,
          ") is not known, so that it could not read on: start it once, or remove it ", "first"));
    }
    internal::v1::SealedClusterKey& copy = *remove.add_sealed_keys();
    copy.set_node_id(member.id);
    copy.set_sealed(*std::move(sealed));
  }
  return remove;
}

absl::StatusOr<RemovedNode> ClusterNodes::Remove(const Caller& caller, const AuditedCall& call,
                                                 uint64_t node) {
  ASSIGN_OR_RETURN(ClusterReport report, Look(true));
  if (!report.clustered) {
    return absl::FailedPreconditionError("this node is alone: there is no other one to go on");
  }
  RETURN_IF_ERROR(CheckLevel(internal::v1::Command::kRemoveMember));
  RemovedNode removed;
  bool found = false;
  for (NodeReport& one : report.nodes) {
    if (one.view.id == node) {
      removed.node = std::move(one);
      found = true;
      continue;
    }
    removed.remaining += !one.removed && one.join_time_us > 0 ? 1 : 0;
    removed.live += IsLive(one) ? 1 : 0;
  }
  if (!found) return UnknownResource(NodeName(node));
  removed.key_generation = state_.KeyGeneration();
  if (removed.node.removed) return removed;
  if (!report.problem.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("whether other nodes serve is not known: ", report.problem, "; try again"));
  }
  if (removed.remaining == 0 || removed.live == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("no other node is serving, so nobody could go on without ",
                     removed.node.view.display_name, "; let another one join or come back first"));
  }
  internal::v1::Command command = StartCommand(caller, OrganizationId{}, call);
  ASSIGN_OR_RETURN(*command.mutable_remove_member(), RemoveWithNewKey(removed.node.view));
  removed.key_generation = command.remove_member().key_generation();
  if (call.validate_only) return removed;
  RETURN_IF_ERROR(log_.Propose(std::move(command)).status());
  if (forget_) forget_(node).IgnoreError();
  for (const Member& member : state_.ListMembers()) {
    if (member.id == node) TakeMember(member, removed.node);
  }
  return removed;
}

}  // namespace muster::server
