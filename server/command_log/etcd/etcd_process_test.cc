// The log on real etcd processes, which are killed, frozen, emptied and restored.

#include "tests/support/etcd_process.h"

#include <cstdio>
#include <random>

#include "server/command_log/etcd/etcd_log_fixture.h"
#include "server/command_log/etcd/grpc_etcd.h"
#include "server/command_log/log/contract_test_suite.h"

namespace muster::server {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);

std::unique_ptr<Etcd> Connect(const std::vector<std::string>& urls) {
  EtcdTerms terms;
  terms.urls = urls;
  auto etcd = ConnectToEtcd(terms);
  EXPECT_TRUE(etcd.ok()) << etcd.status();
  return *std::move(etcd);
}

EtcdLogOptions Options(uint64_t node_id) {
  EtcdLogOptions options = QuickOptions(node_id);
  // A busy machine is no fault of etcd.
  options.give_up = kLong;
  options.call_timeout = absl::Seconds(5);
  // While it is catching up, proposals wait; read-only refuses them at once.
  options.grace = kLong;
  return options;
}

class AloneOnEtcd : public LogUnderTest {
 public:
  CommandLog& log() override { return node_.log(); }
  bool HasOrganization(uint64_t id) override { return node_.HasOrganization(id); }
  size_t CountOrganizations() override { return node_.CountOrganizations(); }
  std::shared_ptr<void> CountKeyChanges(std::atomic<int>& told) override {
    return node_.CountKeyChanges(told);
  }
  void Restart() override { node_.Restart(); }

 private:
  TempFolder folder_;
  EtcdProcesses processes_{folder_.path(), 1};
  std::unique_ptr<Etcd> etcd_ = Connect(processes_.urls());
  NodeUnderTest node_{*etcd_, Options(1)};
};

#define SKIP_WITHOUT_ETCD()                                                \
  if (EtcdProcesses::Binary().empty()) {                                   \
    GTEST_SKIP() << "etcd and etcdctl are not installed: apt-get install " \
                    "etcd-server etcd-client";                             \
  }

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommandLogContract);
std::vector<MakeLog> WhereEtcdIs() {
  if (EtcdProcesses::Binary().empty()) return {};
  return {[] { return std::make_unique<AloneOnEtcd>(); }};
}
INSTANTIATE_TEST_SUITE_P(Etcd, CommandLogContract, testing::ValuesIn(WhereEtcdIs()),
                         [](const auto&) { return "Log"; });

class EtcdProcessTest : public testing::Test {
 protected:
  TempFolder folder_;
};

// Proposes from two nodes until told to stop; every answered one is remembered.
class Load {
 public:
  explicit Load(std::vector<NodeUnderTest*> nodes) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      threads_.emplace_back([this, node = nodes[i], i, step = nodes.size()] {
        for (uint64_t id = i + 1; !stop_; id += step) {
          // With a request id: who hears "outcome unknown" repeats.
          const std::string request = absl::StrCat("request-", id);
          absl::StatusOr<Applied> applied = node->Make(id, request);
          while (absl::IsUnavailable(applied.status()) && !stop_) applied = node->Make(id, request);
          if (applied.ok()) ++answered_;
          if (!applied.ok() && !stop_) ADD_FAILURE() << applied.status();
        }
      });
    }
  }
  ~Load() { Stop(); }

  void WaitFor(size_t more) {
    const size_t until = answered_ + more;
    while (answered_ < until && !testing::Test::HasFailure()) std::this_thread::yield();
  }
  size_t Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    return answered_;
  }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<size_t> answered_ = 0;
  std::vector<std::thread> threads_;
};

TEST_F(EtcdProcessTest, OneMemberIsKilledAgainAndAgainAndNothingIsLostOrDoneTwice) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 1);
  const auto etcd = Connect(processes.urls());
  NodeUnderTest one(*etcd, Options(1));
  NodeUnderTest two(*etcd, Options(2));
  Load load({&one, &two});
  for (int round = 0; round < 3; ++round) {
    load.WaitFor(20);
    processes.Kill(0);
    processes.Start(0);
  }
  load.WaitFor(20);
  const size_t answered = load.Stop();
  ASSERT_TRUE(one.Reaches(LogState::kServing));
  ASSERT_TRUE(one.log().ReadBarrier(kLong).ok());
  ASSERT_TRUE(two.log().ReadBarrier(kLong).ok());
  // The audit has each change once; what was not answered may be there too.
  EXPECT_GE(one.CountOrganizations(), answered);
  EXPECT_LE(one.CountOrganizations(), answered + 2);
  EXPECT_EQ(one.state().ListAudit({}, 0, 1'000'000).size(), one.CountOrganizations());
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
}

TEST_F(EtcdProcessTest, MembersOfThreeAreKilledAndFrozenInTurnAndNothingIsLostOrDoneTwice) {
  SKIP_WITHOUT_ETCD();
  const uint32_t seed = std::random_device{}();
  printf("seed %u\n", seed);
  std::mt19937 random(seed);
  EtcdProcesses processes(folder_.path(), 3);
  const auto etcd1 = Connect(processes.urls());
  const auto etcd2 = Connect(processes.urls());
  NodeUnderTest one(*etcd1, Options(1));
  NodeUnderTest two(*etcd2, Options(2));
  Load load({&one, &two});
  for (size_t round = 0; round < 6; ++round) {
    load.WaitFor(20);
    // Each member in turn, so that the leader is among them.
    const size_t member = round % 3;
    const bool freeze = random() % 3 == 0;
    if (freeze) {
      processes.Freeze(member);
    } else {
      processes.Kill(member);
    }
    load.WaitFor(20);
    if (freeze) {
      processes.Thaw(member);
    } else {
      processes.Start(member);
    }
  }
  const size_t answered = load.Stop();
  ASSERT_TRUE(one.log().ReadBarrier(kLong).ok());
  ASSERT_TRUE(two.log().ReadBarrier(kLong).ok());
  EXPECT_GE(one.CountOrganizations(), answered);
  EXPECT_LE(one.CountOrganizations(), answered + 2);
  EXPECT_EQ(one.state().ListAudit({}, 0, 1'000'000).size(), one.CountOrganizations());
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
}

TEST_F(EtcdProcessTest, WithoutQuorumANodeIsReadOnlyAndComesBack) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 3);
  const auto etcd = Connect(processes.urls());
  EtcdLogOptions options = Options(1);
  options.call_timeout = absl::Seconds(5);
  options.grace = absl::Milliseconds(500);
  NodeUnderTest one(*etcd, options);
  // Three members that have just started elect first, and until then it is read-only too.
  ASSERT_TRUE(one.Reaches(LogState::kServing));
  ASSERT_TRUE(one.Make(1).ok());
  processes.Kill(0);
  processes.Kill(1);
  ASSERT_TRUE(one.Reaches(LogState::kReadOnly));
  EXPECT_TRUE(one.HasOrganization(1));
  EXPECT_EQ(one.Make(2).status().code(), absl::StatusCode::kUnavailable);
  processes.Start(0);
  ASSERT_TRUE(one.Reaches(LogState::kServing));
  EXPECT_TRUE(one.Make(2).ok());
}

TEST_F(EtcdProcessTest, AnOldSnapshotOfEtcdIsRefused) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 1);
  const auto etcd = Connect(processes.urls());
  NodeUnderTest one(*etcd, Options(1));
  ASSERT_TRUE(one.Make(1).ok());
  const std::string snapshot = folder_.path() + "/snapshot";
  ASSERT_TRUE(processes.Control({"snapshot", "save", snapshot}));
  ASSERT_TRUE(one.Make(2).ok());
  processes.Kill(0);
  ASSERT_TRUE(processes.Restore(snapshot));
  processes.Start(0);
  EXPECT_TRUE(one.Reaches(LogState::kStopped));
  EXPECT_TRUE(one.HasOrganization(2));
}

TEST_F(EtcdProcessTest, ADeletedKeyStopsTheNode) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 1);
  const auto etcd = Connect(processes.urls());
  NodeUnderTest one(*etcd, Options(1));
  ASSERT_TRUE(one.Make(1).ok());
  ASSERT_TRUE(processes.Control({"del", "muster/log"}));
  EXPECT_TRUE(one.Reaches(LogState::kStopped));
}

TEST_F(EtcdProcessTest, WhatSomebodyElseWritesIsSkippedAlike) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 1);
  const auto etcd = Connect(processes.urls());
  NodeUnderTest one(*etcd, Options(1));
  NodeUnderTest two(*etcd, Options(2));
  ASSERT_TRUE(one.Make(1).ok());
  ASSERT_TRUE(processes.Control({"put", "muster/log", "injected"}));
  const auto entry = etcd->Get({"muster/log"}, kLong);
  ASSERT_TRUE(entry.ok());
  ASSERT_TRUE(two.Make(2).ok());
  const auto good = etcd->Get({"muster/log"}, kLong);
  ASSERT_TRUE(good.ok() && etcd->Put("muster/log", good->kv->value, kLong).ok());
  ASSERT_TRUE(one.log().ReadBarrier(kLong).ok());
  ASSERT_TRUE(two.log().ReadBarrier(kLong).ok());
  EXPECT_EQ(one.log().counts().unreadable, 1U);
  EXPECT_EQ(one.log().counts().passed_over, 1U);
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
}

TEST_F(EtcdProcessTest, ANodeBehindTheCompactionNeedsASnapshot) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 1);
  const auto etcd = Connect(processes.urls());
  NodeUnderTest one(*etcd, Options(1));
  for (uint64_t id = 1; id <= 5; ++id) ASSERT_TRUE(one.Make(id).ok());
  const auto newest = etcd->Get({"muster/log", 0, true}, kLong);
  ASSERT_TRUE(newest.ok());
  ASSERT_TRUE(etcd->Compact(newest->kv->mod_revision, kLong).ok());
  NodeUnderTest fresh(*etcd, Options(2));
  EXPECT_TRUE(fresh.Reaches(LogState::kNeedsSnapshot));
  EXPECT_TRUE(one.Make(6).ok());
}

TEST_F(EtcdProcessTest, LeasesStatusAndUsersAreThoseOfEtcd) {
  SKIP_WITHOUT_ETCD();
  EtcdProcesses processes(folder_.path(), 1);
  const auto etcd = Connect(processes.urls());
  absl::StatusOr<int64_t> lease = absl::UnavailableError("not yet");
  for (const absl::Time until = absl::Now() + kLong; !lease.ok() && absl::Now() < until;) {
    lease = etcd->GrantLease(kLong, kLong);
  }
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_FALSE(etcd->PutIfAbsent("muster/tick", "1", *lease, kLong)->has_value());
  EXPECT_EQ((*etcd->PutIfAbsent("muster/tick", "2", *lease, kLong))->value, "1");
  EXPECT_TRUE(etcd->KeepLease(*lease, kLong).ok());
  EXPECT_TRUE(etcd->RevokeLease(*lease, kLong).ok());
  EXPECT_EQ(etcd->KeepLease(*lease, kLong).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(etcd->Get({"muster/tick"}, kLong)->kv.has_value());
  const auto status = etcd->Status(kLong);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_GT(status->bytes, 0);
  EXPECT_EQ(status->alarm, "");

  ASSERT_TRUE(processes.Control({"user", "add", "root", "--interactive=false"}, "secret-word\n"));
  ASSERT_TRUE(processes.Control({"user", "grant-role", "root", "root"}));
  ASSERT_TRUE(processes.Control({"auth", "enable"}));
  EXPECT_FALSE(etcd->Get({"muster/tick"}, kLong).ok());
  EtcdTerms terms;
  terms.urls = processes.urls();
  terms.user = "root";
  terms.password = Secret("secret-word");
  auto user = ConnectToEtcd(terms);
  ASSERT_TRUE(user.ok());
  EXPECT_TRUE((*user)->Get({"muster/tick"}, kLong).ok());
  NodeUnderTest one(**user, Options(1));
  EXPECT_TRUE(one.Make(1).ok());
  // Tokens of before its start mean nothing to it.
  processes.Kill(0);
  processes.Start(0);
  EXPECT_TRUE(one.Make(2).ok());
  terms.password = Secret("another-word");
  user = ConnectToEtcd(terms);
  ASSERT_TRUE(user.ok());
  EXPECT_FALSE((*user)->Get({"muster/tick"}, kLong).ok());
}

// How many entries a second one writer gets through, applied and answered.
TEST_F(EtcdProcessTest, AppendsArePrintedPerSecond) {
  SKIP_WITHOUT_ETCD();
  for (const size_t members : {size_t{1}, size_t{3}}) {
    TempFolder folder;
    EtcdProcesses processes(folder.path(), members);
    const auto etcd = Connect(processes.urls());
    NodeUnderTest one(*etcd, Options(1));
    ASSERT_TRUE(one.Make(1).ok());
    const absl::Time begin = absl::Now();
    uint64_t id = 1;
    while (absl::Now() - begin < absl::Seconds(2)) ASSERT_TRUE(one.Make(++id).ok());
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    printf("%zu members: %.0f entries a second, one at a time\n", members,
           static_cast<double>(id - 1) / seconds);
    EXPECT_GT(id, 10U);
  }
}

}  // namespace
}  // namespace muster::server
