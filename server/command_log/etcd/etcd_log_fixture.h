// A node on an etcd: its state, its log, and what tests ask of both.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/log/log_under_test.h"
#include "server/state/state_fixture.h"

namespace muster::server {

inline EtcdLogOptions QuickOptions(uint64_t node_id) {
  EtcdLogOptions options;
  options.keys = std::make_shared<SealKeys>(std::vector<Secret>{Secret(std::string(32, 'k'))});
  options.node_id = node_id;
  options.shortest_pause = absl::Milliseconds(2);
  options.longest_pause = absl::Milliseconds(100);
  return options;
}

// `etcd` must outlive it. The state stays in its folder over restarts.
class NodeUnderTest : public LogUnderTest {
 public:
  NodeUnderTest(Etcd& etcd, const EtcdLogOptions& options) : etcd_(etcd), options_(options) {
    EXPECT_TRUE(InitializeCryptography().ok());
    Restart();
  }

  EtcdLog& log() override { return *log_; }
  SqliteState& state() { return *state_; }
  bool HasOrganization(uint64_t id) override {
    return state_->FindOrganization(OrganizationId{id}).has_value();
  }
  size_t CountOrganizations() override { return state_->ListOrganizations("", 1'000'000).size(); }
  std::shared_ptr<void> CountKeyChanges(std::atomic<int>& told) override {
    return std::shared_ptr<Subscription>(state_->Subscribe([&told](const ChangeBatch& b) {
      for (const Change& change : b.changes) told += change.kind == ChangeKind::kApiKey ? 1 : 0;
    }));
  }

  void Stop() {
    log_.reset();
    state_.reset();
  }

  void Restart() override {
    Stop();
    auto state = SqliteState::Open(folder_.path() + "/state.db", Durability::kOrdered);
    EXPECT_TRUE(state.ok()) << state.status();
    state_ = *std::move(state);
    auto log = EtcdLog::Open(*state_, etcd_, options_);
    EXPECT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  absl::StatusOr<Applied> Make(uint64_t id, const std::string& request_id = "") {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(absl::StrCat("organization-", id));
    if (!request_id.empty()) command.mutable_request()->set_request_id(request_id);
    return log_->Propose(std::move(command));
  }

  // Waits for a state that the log reaches by itself; false after 20 s.
  bool Reaches(LogState state) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (log_->Health().state != state) {
      if (absl::Now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  // Waits until this node has applied what `other` has.
  bool CatchesUpWith(NodeUnderTest& other) {
    // Before that it may not have taken over the log's id, and the position is of another log.
    if (!log_->WaitUntilSettled(absl::Seconds(20)).ok()) return false;
    return log_->WaitUntilApplied(other.log().AppliedPosition(), absl::Seconds(20)).ok();
  }

 private:
  Etcd& etcd_;
  const EtcdLogOptions options_;
  TempFolder folder_;
  std::unique_ptr<SqliteState> state_;
  std::unique_ptr<EtcdLog> log_;
};

}  // namespace muster::server
