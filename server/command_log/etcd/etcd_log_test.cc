// The contract of every engine, and what a cluster adds to it.
#include "server/command_log/etcd/etcd_log.h"

#include "server/command_log/etcd/etcd_log_fixture.h"
#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/log/contract_test_suite.h"
#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {
namespace {

class AloneOnFakeEtcd : public LogUnderTest {
 public:
  CommandLog& log() override { return node_.log(); }
  bool HasOrganization(uint64_t id) override { return node_.HasOrganization(id); }
  size_t CountOrganizations() override { return node_.CountOrganizations(); }
  std::shared_ptr<void> CountKeyChanges(std::atomic<int>& told) override {
    return node_.CountKeyChanges(told);
  }
  void Restart() override { node_.Restart(); }

 private:
  FakeEtcd etcd_{std::make_shared<FakeEtcdStore>()};
  NodeUnderTest node_{etcd_, QuickOptions(1)};
};

INSTANTIATE_TEST_SUITE_P(FakeEtcd, CommandLogContract, testing::Values(MakeLog([] {
                           return std::make_unique<AloneOnFakeEtcd>();
                         })),
                         [](const auto&) { return "Log"; });

class EtcdLogTest : public testing::Test {
 protected:
  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
  FakeEtcd etcd1_{store_};
  FakeEtcd etcd2_{store_};
};

TEST_F(EtcdLogTest, NodesApplyTheSameEntriesInTheSameOrder) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  NodeUnderTest two(etcd2_, QuickOptions(2));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        NodeUnderTest& node = thread % 2 == 0 ? one : two;
        // Half of them clash: who is first must be the same everywhere.
        const uint64_t id = static_cast<uint64_t>(thread / 2 * 50 + i) + 1;
        const auto applied = node.Make(id);
        EXPECT_TRUE(applied.ok() || absl::IsAlreadyExists(applied.status())) << applied.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(one.log().ReadBarrier(absl::Seconds(20)).ok());
  ASSERT_TRUE(two.log().ReadBarrier(absl::Seconds(20)).ok());
  EXPECT_EQ(one.log().AppliedPosition(), two.log().AppliedPosition());
  EXPECT_EQ(one.CountOrganizations(), 100U);
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
}

TEST_F(EtcdLogTest, ANodeThatComesLaterTakesTheLogAndItsId) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  for (uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(one.Make(id).ok());
  NodeUnderTest two(etcd2_, QuickOptions(2));
  ASSERT_TRUE(two.log().WaitUntilSettled(absl::Seconds(20)).ok());
  EXPECT_EQ(two.log().AppliedPosition(), one.log().AppliedPosition());
  EXPECT_EQ(two.state().LogId(), one.state().LogId());
  EXPECT_EQ(two.state().Dump(), one.state().Dump());
  two.Restart();
  ASSERT_TRUE(two.Make(21).ok());
  ASSERT_TRUE(one.CatchesUpWith(two));
  EXPECT_EQ(two.state().Dump(), one.state().Dump());
}

TEST_F(EtcdLogTest, AReadBarrierShowsWhatAnotherNodeHasAnswered) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  NodeUnderTest two(etcd2_, QuickOptions(2));
  ASSERT_TRUE(two.log().WaitUntilSettled(absl::Seconds(20)).ok());
  for (uint64_t id = 1; id <= 50; ++id) {
    ASSERT_TRUE(one.Make(id).ok());
    ASSERT_TRUE(two.log().ReadBarrier(absl::Seconds(20)).ok());
    ASSERT_TRUE(two.HasOrganization(id));
  }
}

TEST_F(EtcdLogTest, AllWhoWaitShareOneQuestion) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  const EtcdLogCounts& counts = one.log().counts();
  etcd1_.HoldGets(true);
  constexpr uint64_t kReaders = 8;
  std::atomic<uint64_t> through = 0;
  std::vector<std::thread> readers;
  for (uint64_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&] { through += one.log().ReadBarrier(absl::Seconds(20)).ok(); });
  }
  while (counts.barriers < kReaders) std::this_thread::yield();
  etcd1_.HoldGets(false);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(through, kReaders);
  // The first one's, and one for all that came while it was on its way.
  EXPECT_LE(counts.barrier_questions, 2U);
}

TEST_F(EtcdLogTest, NothingOfAChangeCanBeReadInEtcd) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(4'711).ok());
  EXPECT_EQ(store_->ValueBefore("muster/log", 0).find("organization"), std::string::npos);
}

TEST_F(EtcdLogTest, ANodeStopsAtACommandThatItsProgramDoesNotKnow) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  const std::string dump = one.state().Dump();
  Command newer;
  newer.mutable_finalize_upgrade()->set_level(FeatureLevel() + 1);
  const std::string bytes = CheckCommand(newer)->bytes;
  const std::string log_id = one.state().LogId();
  store_->Overwrite("muster/log", SealEntry(QuickOptions(9).keys->First(), log_id, {9, 1},
                                            EncodeEntry({log_id, 0, 9, kStartUs}, {bytes})));
  ASSERT_TRUE(one.Reaches(LogState::kStopped));
  EXPECT_NE(one.log().Health().reason.find("install the newer musterd"), std::string::npos);
  EXPECT_EQ(one.state().Dump(), dump);
}

TEST_F(EtcdLogTest, AStateThatWasWrittenAloneIsNoMember) {
  TempFolder folder;
  ASSERT_TRUE(InitializeCryptography().ok());
  auto state = SqliteState::Open(folder.path() + "/state.db");
  ASSERT_TRUE(state.ok());
  auto transaction = (*state)->Begin();
  transaction->Apply(1, {});
  transaction->Commit();
  EXPECT_EQ(EtcdLog::Open(**state, etcd1_, QuickOptions(1)).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace muster::server
