// The nodes of the control plane, as the platform's operators see and change them: what they say of
// themselves, beside what the state's member table says.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   as `ask`, which may ask etcd; a change waits until it is applied.
// Errors:   NotFound; FailedPrecondition where a change would leave nodes behind or nobody to
//           serve, saying which and what to do.
// Example:  tests/api/cluster_service_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/audited_call.h"
#include "server/access/organization_scope.h"
#include "server/administration/node_view.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

struct NodeReport {
  NodeView view;
  // The member table's; both 0: it is not there.
  int64_t join_time_us = 0;
  int64_t remove_time_us = 0;
  bool removed = false;
  bool answering = false;
  // It has not reported lately, or never.
  bool silent = false;
};

struct ClusterReport {
  // By name.
  std::vector<NodeReport> nodes;
  bool clustered = false;
  std::string problem;
  // What the installation uses, and the highest that the program of this node knows.
  uint32_t feature_level = 1;
  uint32_t highest_level = 1;
  // Names of live nodes that know less than that, and of those that are silent.
  std::vector<std::string> held_by;
  std::vector<std::string> silent;
};

struct FinalizedUpgrade {
  uint32_t before = 1;
  uint32_t after = 1;
  std::vector<std::string> silent;
};

struct RemovedNode {
  NodeReport node;
  size_t remaining = 0;
  size_t live = 0;
  // Of the newest master key, after it.
  uint32_t key_generation = 0;
};

class ClusterNodes {
 public:
  // `ask` empty: FailedPrecondition for all calls.
  ClusterNodes(const State& state, CommandLog& log, ClusterAsker ask, ReportForgetter forget)
      : state_(state), log_(log), ask_(std::move(ask)), forget_(std::move(forget)) {}

  absl::StatusOr<ClusterReport> Look(bool show_removed) const;

  // Where nothing is to be done, nothing is done.
  absl::StatusOr<FinalizedUpgrade> Finalize(const Caller& caller, const AuditedCall& call);

  // All that are left get a new master key, which the removed one can't read.
  absl::StatusOr<RemovedNode> Remove(const Caller& caller, const AuditedCall& call, uint64_t node);

 private:
  absl::Status CheckLevel(internal::v1::Command::PayloadCase kind) const;
  // The command that removes the node and brings a new key to all that are left.
  absl::StatusOr<internal::v1::RemoveMember> RemoveWithNewKey(const NodeView& node) const;

  const State& state_;
  CommandLog& log_;
  const ClusterAsker ask_;
  const ReportForgetter forget_;
};

}  // namespace muster::server
