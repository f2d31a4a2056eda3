// One node of a cluster: its state, the log in etcd that feeds it, and the duty to tick.
//
// Threads:  safe to call from any thread.
// Owns:     the data directory (flock), state.db, the client of etcd and their threads.
// Blocks:   Open, until the state has caught up with etcd, or `patience` passed without progress.
// File:     DATA/removed: this node was removed from its cluster, and how to begin anew.
// Errors:   FailedPrecondition, with what to do, for what LocalNode refuses, for a node that was
//           removed, for an etcd that refuses this client, that can't be reached by a node
//           without a state, or that is not the one of this state; Unavailable where a node
//           without a state can't catch up in time.
// Example:  etcd_node_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "common/secrets/secrets.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/grpc_etcd.h"
#include "server/command_log/etcd/member_board.h"
#include "server/command_log/etcd/root_record.h"
#include "server/command_log/node/node.h"

namespace muster::server {

// What a node needs to get another one's state in the place of its own.
struct StateWish {
  // Held; no state in it is open.
  std::string data_dir;
  // The oldest first.
  std::vector<Secret> master_keys;
  uint64_t node_id = 0;
  // Of the cluster's log, and the last entry that this node has (0: none).
  std::string log_id;
  uint64_t have_index = 0;
  ClusterRoot root;
  // ReadMemberReports, as of now.
  std::function<absl::StatusOr<std::vector<MemberReport>>()> members;
};

struct EtcdNodeOptions {
  // Made with mode 0700 where it is absent.
  std::string data_dir;
  EtcdTerms etcd;
  // `keys`, `take_key` and `node_id` are filled in by Open.
  EtcdLogOptions log;
  // Answers the master keys of the cluster, the oldest first. True: etcd has no cluster yet and
  // this state is empty, so that a new key may be made.
  std::function<absl::StatusOr<std::vector<Secret>>(bool new_cluster)> master_keys;
  // Keeps a new one where master_keys finds it at the next start. Where that fails the node goes
  // on: its state has the key for it as well.
  std::function<absl::Status(uint32_t generation, const Secret& key)> keep_master_key;
  // Called where etcd no longer has the entries that this state lacks: puts another node's in its
  // place, or fails and leaves it as it is. Empty: nothing is done about it.
  std::function<absl::Status(const StateWish& wish)> fetch_state;
  absl::Duration patience = absl::Seconds(30);
  // Entries between two hashes of the state, which nodes compare; equal on all of them.
  uint64_t hash_every = 10'000;
};

class EtcdNode : public Node {
 public:
  // A state that exists is opened also where etcd can't be reached: it is read-only then. `clock`
  // must outlive it.
  static absl::StatusOr<std::unique_ptr<EtcdNode>> Open(const EtcdNodeOptions& options,
                                                        const Clock& clock);

  virtual uint64_t id() const = 0;
  // What new master keys are sealed for.
  virtual const std::string& public_key() const = 0;
  virtual const EtcdLogCounts& counts() const = 0;
  // Brings time into the log.
  virtual bool ticks() const = 0;

  // The newest entry at which this state and another node's had the same hash; 0: none since the
  // start.
  virtual uint64_t compared_index() const = 0;
  // It refuses commands, because its state and another's differ.
  virtual bool states_differ() const = 0;

  // What nodes without a state are to find in etcd, from Announce on; before it.
  virtual void ShareRoot(ClusterRoot root) = 0;

  // Tells the other nodes how this one is, from now on, and `hear` what all of them say, each
  // MemberBoard::kEvery; both are called until the node ends.
  // Compares its state with theirs: where they differ it refuses commands, or stops where most
  // have another one.
  virtual void Announce(std::function<MemberReport()> report,
                        std::function<void(const std::vector<MemberReport>&)> hear) = 0;
  // What the nodes say of themselves (MemberBoard::List). FailedPrecondition before Announce.
  virtual absl::StatusOr<std::vector<MemberReport>> Members() const = 0;
  // Takes the report of a removed node away.
  virtual absl::Status ForgetMember(uint64_t node_id) = 0;
};

}  // namespace muster::server
