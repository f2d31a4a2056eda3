// Members of a cluster that come and go, and the keys that change with each that goes.
#include <future>

#include "server/command_log/etcd/etcd_log_fixture.h"
#include "server/command_log/etcd/fake_etcd.h"
#include "server/command_log/log/entry_codec.h"
#include "server/command_log/log/feature_level.h"

namespace muster::server {
namespace {

constexpr char kLog[] = "muster/log";

class EtcdLogMembersTest : public testing::Test {
 protected:
  // The entry as any node makes it; `key`: of the log.
  static std::string EntryOf(const Secret& key, const std::string& log_id, EntryId id,
                             const Command& command) {
    return SealEntry(
        key, log_id, id,
        EncodeEntry({log_id, 0, id.proposer, kStartUs}, {CheckCommand(command)->bytes}));
  }

  std::shared_ptr<FakeEtcdStore> store_ = std::make_shared<FakeEtcdStore>();
  FakeEtcd etcd1_{store_};
  FakeEtcd etcd2_{store_};
};

absl::Status Propose(NodeUnderTest& node, const Command& command) {
  return node.log().Propose(command).status();
}

Command RaiseLevel() {
  Command command;
  command.mutable_finalize_upgrade()->set_level(FeatureLevel());
  return command;
}

Command AddNode(uint64_t id) {
  Command command;
  command.mutable_add_member()->set_node_id(id);
  command.mutable_add_member()->set_display_name(absl::StrCat("node-", id));
  command.mutable_add_member()->set_public_key(std::string(32, 'p'));
  return command;
}

// The copies are what a test takes for them: nobody opens them here.
Command RemoveNode(uint64_t id, uint32_t generation, const std::vector<uint64_t>& others) {
  Command command;
  command.mutable_remove_member()->set_node_id(id);
  command.mutable_remove_member()->set_key_generation(generation);
  for (const uint64_t other : others) {
    auto& copy = *command.mutable_remove_member()->add_sealed_keys();
    copy.set_node_id(other);
    copy.set_sealed("sealed");
  }
  return command;
}

// Options of a node that takes new keys: the same ones as all others.
EtcdLogOptions TakingOptions(uint64_t node_id) {
  EtcdLogOptions options = QuickOptions(node_id);
  options.take_key = [keys = options.keys](uint32_t generation) {
    keys->Add(Secret(std::string(32, static_cast<char>('k' + generation))));
    return absl::OkStatus();
  };
  return options;
}

Command MakeOrganization(uint64_t id) {
  Command command;
  command.mutable_create_organization()->set_organization_id(id);
  command.mutable_create_organization()->set_slug(absl::StrCat("organization-", id));
  return command;
}

TEST_F(EtcdLogMembersTest, ARemovedNodeStopsAndWhatItWritesBehindThatHasNoEffectAnywhere) {
  FakeEtcd etcd3(store_);
  NodeUnderTest one(etcd1_, TakingOptions(1));
  NodeUnderTest two(etcd2_, TakingOptions(2));
  NodeUnderTest three(etcd3, TakingOptions(3));
  ASSERT_TRUE(Propose(one, RaiseLevel()).ok());
  for (const uint64_t id : {1, 2, 3}) ASSERT_TRUE(Propose(one, AddNode(id)).ok());
  ASSERT_TRUE(two.CatchesUpWith(one));
  ASSERT_TRUE(three.CatchesUpWith(one));
  ASSERT_TRUE(two.Make(1).ok());
  // It can't read, but it can write: nobody has told it yet.
  etcd2_.CutOff(true);
  ASSERT_TRUE(Propose(one, RemoveNode(2, 1, {1, 3})).ok());
  Command late;
  late.mutable_create_organization()->set_organization_id(2);
  late.mutable_create_organization()->set_slug("late");
  const std::string bytes = CheckCommand(late)->bytes;
  const std::string log_id = one.state().LogId();
  store_->Overwrite("muster/log", SealEntry(TakingOptions(2).keys->First(), log_id, {2, 1'000'000},
                                            EncodeEntry({log_id, 0, 2, kStartUs}, {bytes})));
  const absl::Status read = three.log().ReadBarrier(absl::Seconds(20));
  ASSERT_TRUE(read.ok()) << read;
  ASSERT_TRUE(one.Make(3).ok());
  ASSERT_TRUE(three.CatchesUpWith(one));
  EXPECT_FALSE(one.HasOrganization(2));
  EXPECT_EQ(one.log().counts().passed_over, 1U);
  EXPECT_EQ(three.state().Dump(), one.state().Dump());
  etcd2_.CutOff(false);
  ASSERT_TRUE(two.Reaches(LogState::kStopped));
  EXPECT_NE(two.log().Health().reason.find("was removed from the cluster"), std::string::npos);
  EXPECT_FALSE(two.Make(4).ok());
  // It has applied up to its removal, and nothing behind it.
  EXPECT_TRUE(two.HasOrganization(1));
  EXPECT_FALSE(two.HasOrganization(3));
}

TEST_F(EtcdLogMembersTest, ANodeThatRemovesItselfAnswersFirst) {
  NodeUnderTest one(etcd1_, TakingOptions(1));
  NodeUnderTest two(etcd2_, TakingOptions(2));
  ASSERT_TRUE(Propose(one, RaiseLevel()).ok());
  for (const uint64_t id : {1, 2}) ASSERT_TRUE(Propose(one, AddNode(id)).ok());
  ASSERT_TRUE(Propose(one, RemoveNode(1, 1, {2})).ok());
  EXPECT_TRUE(one.Reaches(LogState::kStopped));
  ASSERT_TRUE(two.log().WaitUntilSettled(absl::Seconds(20)).ok());
  EXPECT_TRUE(two.Make(1).ok());
}

TEST_F(EtcdLogMembersTest, BehindARemovalNothingOpensUnderTheKeyOfBefore) {
  NodeUnderTest one(etcd1_, TakingOptions(1));
  NodeUnderTest two(etcd2_, TakingOptions(2));
  ASSERT_TRUE(Propose(one, RaiseLevel()).ok());
  for (const uint64_t id : {1, 2, 3}) ASSERT_TRUE(Propose(one, AddNode(id)).ok());
  ASSERT_TRUE(two.CatchesUpWith(one));
  ASSERT_TRUE(Propose(one, RemoveNode(3, 1, {1, 2})).ok());
  ASSERT_TRUE(two.CatchesUpWith(one));
  ASSERT_TRUE(two.Make(5).ok());
  const Secret old = QuickOptions(3).keys->First();
  const std::string log_id = one.state().LogId();
  EXPECT_FALSE(OpenEntry(old, log_id, store_->ValueBefore(kLog, 0)).ok());
  EXPECT_TRUE(OpenEntry(old, log_id, store_->ValueBefore(kLog, 1)).ok());
  ASSERT_TRUE(one.CatchesUpWith(two));
  // With the old key somebody writes in the name of a node that is left, and would use up its
  // numbers.
  store_->Overwrite(kLog, EntryOf(old, log_id, {1, ~uint64_t{0}}, MakeOrganization(6)));
  ASSERT_TRUE(one.Make(7).ok());
  ASSERT_TRUE(two.CatchesUpWith(one));
  EXPECT_FALSE(two.HasOrganization(6));
  EXPECT_EQ(one.log().counts().passed_over, 1U);
  EXPECT_EQ(one.state().Dump(), two.state().Dump());
  // Both read it all again, from what they keep and from etcd.
  one.Restart();
  ASSERT_TRUE(one.log().WaitUntilSettled(absl::Seconds(20)).ok());
  ASSERT_TRUE(one.Make(8).ok());
}

TEST_F(EtcdLogMembersTest, WhatIsOnItsWayWhenTheKeysChangeIsSealedAnewAndDoneOnce) {
  NodeUnderTest one(etcd1_, TakingOptions(1));
  ASSERT_TRUE(Propose(one, RaiseLevel()).ok());
  for (const uint64_t id : {1, 2}) ASSERT_TRUE(Propose(one, AddNode(id)).ok());
  store_->FailPuts(1'000'000, FakeEtcdStore::PutFault::kLost);
  auto made = std::async(std::launch::async, [&one] { return one.Make(5); });
  while (one.log().counts().repeated_puts == 0) std::this_thread::yield();
  store_->Overwrite(kLog, EntryOf(QuickOptions(9).keys->First(), one.state().LogId(), {9, 1},
                                  RemoveNode(2, 1, {1})));
  while (one.state().KeyGeneration() == 0) std::this_thread::yield();
  store_->FailPuts(0, FakeEtcdStore::PutFault::kNone);
  const absl::StatusOr<Applied> done = made.get();
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(one.HasOrganization(5));
  EXPECT_EQ(one.log().counts().passed_over, 1U);
  EXPECT_FALSE(
      OpenEntry(QuickOptions(1).keys->First(), one.state().LogId(), store_->ValueBefore(kLog, 0))
          .ok());
}

TEST_F(EtcdLogMembersTest, ANodeThatCanNotGetTheNewKeyStopsAndSaysWhatToDo) {
  NodeUnderTest one(etcd1_, TakingOptions(1));
  NodeUnderTest two(etcd2_, QuickOptions(2));
  ASSERT_TRUE(Propose(one, RaiseLevel()).ok());
  for (const uint64_t id : {1, 2, 3}) ASSERT_TRUE(Propose(one, AddNode(id)).ok());
  ASSERT_TRUE(two.CatchesUpWith(one));
  ASSERT_TRUE(Propose(one, RemoveNode(3, 1, {1, 2})).ok());
  ASSERT_TRUE(two.Reaches(LogState::kStopped));
  EXPECT_NE(two.log().Health().reason.find("copy the master key file of a node that serves"),
            std::string::npos);
  ASSERT_TRUE(one.Make(5).ok());
}

TEST_F(EtcdLogMembersTest, WhatNeedsAHigherLevelIsNotProposedBeforeTheUpgradeIsFinalized) {
  NodeUnderTest one(etcd1_, QuickOptions(1));
  ASSERT_TRUE(one.Make(1).ok());
  const Position before = one.log().AppliedPosition();
  EXPECT_EQ(Propose(one, AddNode(1)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(one.log().AppliedPosition(), before);
  ASSERT_TRUE(Propose(one, RaiseLevel()).ok());
  EXPECT_TRUE(Propose(one, AddNode(1)).ok());
}

}  // namespace
}  // namespace muster::server
