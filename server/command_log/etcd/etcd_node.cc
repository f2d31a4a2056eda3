// The order of a start: hold the data directory, ask etcd who it is, get the key, open the state,
// follow the log. What is wrong with etcd is told before anything is made of it.
#include "server/command_log/etcd/etcd_node.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids/ids.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/clock_check.h"
#include "server/command_log/etcd/etcd_problem.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/etcd/node_id.h"
#include "server/command_log/etcd/node_key.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/etcd/state_compare.h"
#include "server/command_log/etcd/tick_lease.h"
#include "server/command_log/etcd/trim_pin.h"
#include "server/command_log/log/member_key.h"
#include "server/command_log/node/data_dir.h"
#include "server/command_log/node/ticker.h"
#include "server/state/pending_move.h"
#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

constexpr absl::Duration kFirstQuestion = absl::Seconds(5);
// Both may be started at once, etcd the slower of the two.
constexpr absl::Duration kEtcdStarts = absl::Seconds(10);
// Of catching up; looked at between.
constexpr absl::Duration kLook = absl::Seconds(1);
// A state that was fetched and is too old already: the log is written faster than states travel.
constexpr int kMostFetches = 3;

// Whoever takes the node id away and starts again must be told as well.
std::string RemovedMark(const std::string& data_dir) { return data_dir + "/removed"; }

void MarkRemoved(const std::string& data_dir) {
  const absl::Status marked = WriteNewSecretFile(
      RemovedMark(data_dir),
      "This node was removed from its cluster. Nothing here is needed any more; a new node begins "
      "with an empty folder.\n");
  if (!marked.ok() && !absl::IsAlreadyExists(marked)) {
    LogWarning("command_log", "the data directory was not marked", {{"why", marked.ToString()}});
  }
}

absl::Status CheckNotRemoved(const std::string& data_dir, const Store& state, uint64_t node_id) {
  const bool removed = state.IsRemovedMember(node_id);
  if (!removed && access(RemovedMark(data_dir).c_str(), F_OK) != 0) return absl::OkStatus();
  if (removed) MarkRemoved(data_dir);
  return absl::FailedPreconditionError(
      absl::StrCat("the node of the data directory ", data_dir,
                   " was removed from its cluster for good; to let ",
                   "this machine join again, start musterd with a new data directory"));
}

// Beside a state that this node may not go on with.
std::string DifferenceFile(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/state-differs");
}

std::string WhatToDo(const std::string& data_dir) {
  return absl::StrCat("; move state-differs and all that begins with state.db out of ", data_dir,
                      ", keep it for whoever looks into it, and start this node again: it gets ",
                      "the state of another one (docs/cluster.md, When states differ)");
}

// So that no supervisor starts it over and over again. Answers the whole reason.
std::string KeepDifference(const std::string& data_dir, const std::string& reason) {
  std::ofstream(DifferenceFile(data_dir)) << reason << "\n";
  return reason + WhatToDo(data_dir);
}

absl::Status CheckDifference(const std::string& data_dir) {
  const std::string file = DifferenceFile(data_dir);
  if (access(file.c_str(), F_OK) != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the state in ", data_dir,
                                                    " is not that of most nodes, as ", file,
                                                    " says", WhatToDo(data_dir)));
}

// A log that has ended takes no more: what is proposed would be lost.
absl::Status CheckNoMove(const State& state, const std::string& data_dir, uint64_t node_id) {
  const auto move = FindPendingMove(state);
  if (!move.has_value()) return absl::OkStatus();
  if (move->node_id() == node_id) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the state in ", data_dir,
        " is on its way from etcd to one node: finish it with musterd migrate --to local"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the cluster was moved to node ", FormatId(move->node_id()),
                   " alone (musterd migrate): this state, in ", data_dir,
                   ", is of before; nothing can be changed through it any more"));
}

absl::StatusOr<std::unique_ptr<SqliteState>> OpenState(const EtcdNodeOptions& options) {
  return SqliteState::Open(absl::StrCat(options.data_dir, "/state.db"), Durability::kOrdered,
                           options.hash_every);
}

// The key pair of this node, and the master keys that it has; the oldest first.
struct NodeKeys {
  BoxKeyPair own;
  std::vector<Secret> masters;
};

class RunningNode : public EtcdNode {
 public:
  RunningNode(DataDir dir, std::unique_ptr<SqliteState> state, std::unique_ptr<Etcd> etcd,
              const EtcdNodeOptions& options, NodeKeys keys, uint64_t node_id, const Clock& clock)
      : dir_(std::move(dir)),
        state_(std::move(state)),
        etcd_(std::move(etcd)),
        keys_(std::move(keys)),
        keep_master_key_(options.keep_master_key),
        options_(LogOptions(options, node_id)),
        clock_(clock) {}

  ~RunningNode() override {
    // Before the log: their threads ask it.
    board_.reset();
    ticker_.reset();
    lease_.reset();
    if (log_ != nullptr) log_->Stop();
    // None: the one of another node was put in its place and could not be opened.
    if (state_ != nullptr && state_->IsRemovedMember(options_.node_id)) MarkRemoved(dir_.path());
  }

  absl::Status Follow(absl::Duration patience) {
    // Where a key came and this process was killed before it was kept.
    const uint32_t generation = state_->KeyGeneration();
    if (generation > options_.keys->newest_generation()) RETURN_IF_ERROR(TakeKey(generation));
    ASSIGN_OR_RETURN(log_, EtcdLog::Open(*state_, *etcd_, options_));
    RETURN_IF_ERROR(CatchUp(patience));
    check_ = std::make_unique<ClockCheck>(clock_, state_->StateTime());
    lease_ = std::make_unique<TickLease>(*etcd_, options_, clock_, [this] {
      return check_->Agrees(state_->StateTime()) && log_->Health().state == LogState::kServing;
    });
    ticker_ = std::make_unique<Ticker>(*log_, *state_, *state_, clock_, lease_.get());
    return absl::OkStatus();
  }

  // The same, with another node's state where this one is too old.
  absl::Status FollowOrFetch(const EtcdNodeOptions& options) {
    absl::Status followed = Follow(options.patience);
    if (!NeedsSnapshot() || !options.fetch_state) return followed;
    // Until it has read on from there.
    const TrimPin pin(*etcd_, options_);
    for (int i = 0; i < kMostFetches && NeedsSnapshot(); ++i) {
      const absl::Status replaced = ReplaceState(options);
      if (state_ == nullptr) return replaced;
      followed = Follow(options.patience);
      if (replaced.ok()) continue;
      LogError("command_log", "no state of another node", {{"why", replaced.ToString()}});
      return followed.ok() ? followed : replaced;
    }
    return followed;
  }

  CommandLog& log() override { return *log_; }
  State& state() override { return *state_; }
  uint64_t id() const override { return options_.node_id; }
  const std::string& public_key() const override { return keys_.own.public_key; }
  const EtcdLogCounts& counts() const override { return log_->counts(); }
  bool ticks() const override { return lease_->IsMine(); }

  uint64_t compared_index() const override { return compared_index_; }
  bool states_differ() const override { return log_->IsHeld(); }

  void ShareRoot(ClusterRoot root) override { root_ = std::move(root); }

  void Announce(std::function<MemberReport()> report,
                std::function<void(const std::vector<MemberReport>&)> hear) override {
    board_ = std::make_unique<MemberBoard>(
        *etcd_, options_,
        [this, report = std::move(report)] {
          MemberReport own = report();
          AddHashes(own);
          KeepRoot();
          return own;
        },
        [this, hear = std::move(hear)](const MemberReport& own,
                                       const std::vector<MemberReport>& reports) {
          hear(reports);
          Judge(CompareStates(own, reports, clock_.Now()));
        });
  }

  absl::StatusOr<std::vector<MemberReport>> Members() const override {
    if (board_ != nullptr) return board_->List();
    return absl::FailedPreconditionError("this node has not announced itself yet");
  }

  absl::Status ForgetMember(uint64_t node_id) override {
    if (board_ != nullptr) return board_->Forget(node_id);
    return absl::FailedPreconditionError("this node has not announced itself yet");
  }

 private:
  absl::Status CatchUp(absl::Duration patience) {
    uint64_t index = 0;
    absl::Duration moved = clock_.Monotonic();
    for (;;) {
      const absl::Status settled = log_->WaitUntilSettled(kLook);
      const LogHealth health = log_->Health();
      const bool empty = log_->AppliedPosition().index == 0;
      if (health.state == LogState::kServing) return absl::OkStatus();
      if (health.state == LogState::kStopped) return settled;
      // Old reads are better than none, and whoever asks is told.
      if (settled.ok() || health.state == LogState::kNeedsSnapshot) {
        return empty ? absl::FailedPreconditionError(health.reason) : absl::OkStatus();
      }
      const uint64_t now = log_->AppliedPosition().index;
      if (now != index) moved = clock_.Monotonic();
      index = now;
      if (clock_.Monotonic() - moved > patience) return empty ? settled : absl::OkStatus();
    }
  }

  bool NeedsSnapshot() const {
    return log_ != nullptr && log_->Health().state == LogState::kNeedsSnapshot;
  }

  // No state is open afterwards only where none can be.
  absl::Status ReplaceState(const EtcdNodeOptions& options) {
    ASSIGN_OR_RETURN(ClusterRoot root, ReadClusterRoot(*etcd_, options_));
    StateWish wish{dir_.path(),
                   keys_.masters,
                   options_.node_id,
                   state_->LogId(),
                   state_->AppliedPosition().index,
                   std::move(root),
                   [this] { return ReadMemberReports(*etcd_, options_); }};
    LogInfo("command_log", "asking the other nodes for their state",
            {{"index", absl::StrCat(wish.have_index)}});
    ticker_.reset();
    lease_.reset();
    check_.reset();
    log_->Stop();
    log_.reset();
    state_.reset();
    const absl::Status fetched = options.fetch_state(wish);
    ASSIGN_OR_RETURN(state_, OpenState(options));
    RETURN_IF_ERROR(fetched);
    RETURN_IF_ERROR(CheckNotRemoved(options.data_dir, *state_, options_.node_id));
    return CheckNoMove(*state_, options.data_dir, options_.node_id);
  }

  // On the board's thread: until etcd has it, under the newest key.
  void KeepRoot() {
    const uint32_t generation = options_.keys->newest_generation();
    if (!root_.has_value() || kept_root_ == generation) return;
    // A node that is behind may not have the newest.
    if (log_->Health().state != LogState::kServing) return;
    if (KeepClusterRoot(*etcd_, options_, *root_).ok()) kept_root_ = generation;
  }

  EtcdLogOptions LogOptions(const EtcdNodeOptions& options, uint64_t node_id) {
    EtcdLogOptions log = options.log;
    log.keys = std::make_shared<SealKeys>(keys_.masters);
    log.take_key = [this](uint32_t generation) { return TakeKey(generation); };
    log.node_id = node_id;
    return log;
  }

  // All up to this one, as they came with the removals of members. On the follower's thread, or
  // where there is none.
  absl::Status TakeKey(uint32_t generation) {
    for (uint32_t next = options_.keys->newest_generation() + 1; next <= generation; ++next) {
      const auto sealed = state_->FindSealedKey(next, options_.node_id);
      if (!sealed.has_value()) return absl::FailedPreconditionError(MissingKey(next));
      absl::StatusOr<Secret> key =
          OpenForMember(keys_.own, state_->ClusterId(), next, options_.node_id, *sealed);
      if (!key.ok()) return absl::FailedPreconditionError(MissingKey(next));
      KeepMasterKey(next, *key);
      options_.keys->Add(*key);
      keys_.masters.push_back(*std::move(key));
      LogInfo("command_log", "took the cluster's new key", {{"generation", absl::StrCat(next)}});
    }
    return absl::OkStatus();
  }

  void KeepMasterKey(uint32_t generation, const Secret& key) {
    if (!keep_master_key_) return;
    const absl::Status kept = keep_master_key_(generation, key);
    if (kept.ok()) return;
    LogError("command_log", "the cluster's new key is not in the master key file",
             {{"why", kept.ToString()}});
  }

  void AddHashes(MemberReport& report) const {
    report.set_log_id(state_->LogId());
    report.set_state_hash_version(SqliteState::kHashVersion);
    for (const SqliteState::HashMark& mark : state_->RecentHashes()) {
      internal::v1::StateHashMark& added = *report.add_state_hashes();
      added.set_log_index(mark.index);
      added.set_hash(mark.hash);
    }
  }

  // On the board's thread.
  void Judge(const StateVerdict& verdict) {
    if (verdict.agreed_index > compared_index_) compared_index_ = verdict.agreed_index;
    switch (verdict.kind) {
      case StateVerdict::Kind::kNothing:
        return;
      case StateVerdict::Kind::kAgrees:
        return;
      case StateVerdict::Kind::kMajority:
        log_->Release();
        if (told_index_ != verdict.index) {
          LogError("command_log", "another node's state differs from that of most; it must stop",
                   {{"why", verdict.reason}});
        }
        told_index_ = verdict.index;
        return;
      case StateVerdict::Kind::kUndecided:
        return log_->Hold(absl::StrCat(
            "states differ: ", verdict.reason,
            "; find out which is right, replace the other one and start this node again, see ",
            "docs/cluster.md"));
      case StateVerdict::Kind::kMinority:
        return log_->Halt(KeepDifference(
            dir_.path(),
            absl::StrCat("the state of this node is not that of most nodes: ", verdict.reason)));
    }
  }

  // Released last.
  DataDir dir_;
  std::unique_ptr<SqliteState> state_;
  std::unique_ptr<Etcd> etcd_;
  NodeKeys keys_;
  const std::function<absl::Status(uint32_t generation, const Secret& key)> keep_master_key_;
  const EtcdLogOptions options_;
  const Clock& clock_;
  std::unique_ptr<EtcdLog> log_;
  std::unique_ptr<ClockCheck> check_;
  std::unique_ptr<TickLease> lease_;
  std::unique_ptr<Ticker> ticker_;
  std::optional<ClusterRoot> root_;
  // The board's thread's: the generation of the key under which etcd has the root.
  std::optional<uint32_t> kept_root_;
  std::atomic<uint64_t> compared_index_ = 0;
  // The board's thread's: the difference that was told last.
  uint64_t told_index_ = 0;
  std::unique_ptr<MemberBoard> board_;
};

// True: etcd holds no cluster. What the state is must decide the rest.
absl::StatusOr<bool> AskWhoItIs(Etcd& etcd, const EtcdNodeOptions& options, bool empty) {
  const Deadline deadline(kEtcdStarts);
  absl::StatusOr<EtcdAnswer> owner = absl::UnavailableError("not asked yet");
  do {
    owner = etcd.Get({OwnerKey(options.log), 0, true}, kFirstQuestion);
  } while (empty && absl::IsUnavailable(owner.status()) && !deadline.HasPassed());
  if (owner.ok()) return !owner->kv.has_value();
  if (!IsOpenOutcome(owner.status()) || empty) {
    return TellEtcdProblem(owner.status(), options.etcd);
  }
  const std::string why(TellEtcdProblem(owner.status(), options.etcd).message());
  LogWarning("command_log", "etcd can't be reached; starting read-only", {{"why", why}});
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdNode>> EtcdNode::Open(const EtcdNodeOptions& options,
                                                         const Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<Etcd> etcd, ConnectToEtcd(options.etcd));
  // The lock before the database: SQLite alone would let a second musterd in.
  ASSIGN_OR_RETURN(DataDir dir, DataDir::Hold(options.data_dir));
  RETURN_IF_ERROR(CheckDifference(options.data_dir));
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteState> state, OpenState(options));
  const bool empty = state->AppliedPosition().index == 0;
  ASSIGN_OR_RETURN(const bool no_cluster, AskWhoItIs(*etcd, options, empty));
  NodeKeys keys;
  ASSIGN_OR_RETURN(keys.masters, options.master_keys(no_cluster && empty));
  ASSIGN_OR_RETURN(const uint64_t node_id, OpenNodeId(options.data_dir));
  RETURN_IF_ERROR(CheckNotRemoved(options.data_dir, *state, node_id));
  RETURN_IF_ERROR(CheckNoMove(*state, options.data_dir, node_id));
  ASSIGN_OR_RETURN(keys.own, OpenNodeKey(options.data_dir));
  auto node = std::make_unique<RunningNode>(std::move(dir), std::move(state), std::move(etcd),
                                            options, std::move(keys), node_id, clock);
  RETURN_IF_ERROR(node->FollowOrFetch(options));
  return node;
}

}  // namespace muster::server
