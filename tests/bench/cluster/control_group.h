// One musterd, or three on three members of etcd, with a seeded fleet and edges that have joined:
// what the benchmarks of jobs and of a cluster load.
//
// Threads:  not safe.
// Owns:     all its processes and the folder that it runs in.
// Blocks:   all of it, up to a minute.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/ingest/control_plane.h"
#include "tests/bench/ingest/fleet.h"
#include "tests/bench/ingest/simulated_edge.h"
#include "tests/bench/support/child.h"

namespace muster::bench {

enum class GroupKind { kAlone, kThreeOnEtcd };

class ControlGroup {
 public:
  // A new installation below the folder of this program; every device of `fleet` is online.
  // FailedPrecondition where etcd is not installed.
  static absl::StatusOr<std::unique_ptr<ControlGroup>> Start(GroupKind kind, const Fleet& fleet);
  ~ControlGroup();

  const std::vector<std::unique_ptr<ControlPlane>>& nodes() const { return nodes_; }
  // All musterd and all members of etcd.
  std::vector<pid_t> processes() const;
  const std::string& folder() const { return folder_; }
  // The edges of the fleet, spread over the nodes, not connected yet.
  Edges MakeEdges();
  // The folder stays, for who wants to know what was printed.
  void Keep() { keep_ = true; }

 private:
  ControlGroup(const Fleet& fleet, std::string folder)
      : fleet_(fleet), folder_(std::move(folder)) {}

  absl::Status StartMembers();
  absl::Status StartNodes(GroupKind kind);
  absl::Status JoinEdges();
  // Of all nodes, which don't run: the first one's, with the fleet, for each.
  absl::Status SeedStates();

  const Fleet& fleet_;
  const std::string folder_;
  bool keep_ = false;
  std::string etcd_urls_;
  std::vector<std::unique_ptr<Child>> members_;
  std::vector<std::unique_ptr<ControlPlane>> nodes_;
  std::vector<EdgeIdentity> identities_;
};

}  // namespace muster::bench
