// Whole nodes on a real etcd: what a start takes and what it refuses.
#include "server/command_log/etcd/etcd_node.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "server/command_log/etcd/log_keys.h"
#include "server/command_log/etcd/sealed_entry.h"
#include "server/command_log/local/local_node.h"
#include "server/command_log/log/feature_level.h"
#include "server/command_log/log/member_key.h"
#include "server/state/state_fixture.h"
#include "tests/support/etcd_process.h"

namespace muster::server {
namespace {

class EtcdNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(InitializeCryptography().ok());
    if (EtcdProcesses::Binary().empty()) GTEST_SKIP() << "etcd and etcdctl are not installed";
    StartEtcd("one");
  }

  // Another etcd in the place of the one before.
  void StartEtcd(const std::string& name) {
    etcd_.reset();
    const std::string folder = folder_.path() + "/" + name;
    ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
    etcd_ = std::make_unique<EtcdProcesses>(folder, 1);
  }

  EtcdNodeOptions OptionsOf(const std::string& name) {
    EtcdNodeOptions options;
    options.data_dir = folder_.path() + "/" + name;
    options.etcd.urls = etcd_->urls();
    options.master_keys = [this](bool new_cluster) -> absl::StatusOr<std::vector<Secret>> {
      asked_for_new_ = new_cluster;
      return std::vector<Secret>{Secret(std::string(32, master_))};
    };
    return options;
  }

  // Etcd itself may still be starting.
  absl::StatusOr<std::unique_ptr<EtcdNode>> Open(const std::string& name) {
    const EtcdNodeOptions options = OptionsOf(name);
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    for (;;) {
      auto node = EtcdNode::Open(options, clock_);
      const bool starting =
          absl::StrContains(node.status().message(), "can't reach") && absl::Now() < deadline;
      if (!starting) return node;
    }
  }

  static Command MakeOrganization(uint64_t id) {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(absl::StrCat("organization-", id));
    return command;
  }

  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  TempFolder folder_;
  SystemClock clock_;
  std::unique_ptr<EtcdProcesses> etcd_;
  char master_ = 'm';
  bool asked_for_new_ = false;
};

TEST_F(EtcdNodeTest, OnlyTheFirstNodeMayMakeTheKeyAndAllShowTheSame) {
  auto first = Open("a");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(asked_for_new_);
  ASSERT_TRUE((*first)->log().Propose(MakeOrganization(5)).ok());
  auto second = Open("b");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(asked_for_new_);
  EXPECT_TRUE((*second)->state().FindOrganization(OrganizationId{5}).has_value());
  EXPECT_NE((*first)->id(), (*second)->id());
  ASSERT_TRUE((*second)->log().Propose(MakeOrganization(6)).ok());
  ASSERT_TRUE((*first)->log().ReadBarrier(absl::Seconds(10)).ok());
  EXPECT_TRUE((*first)->state().FindOrganization(OrganizationId{6}).has_value());
}

TEST_F(EtcdNodeTest, ANodeKeepsItsIdAndADataDirectoryThatIsNewHasAnother) {
  uint64_t id = 0;
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    id = (*node)->id();
    ASSERT_TRUE((*node)->log().Propose(MakeOrganization(5)).ok());
  }
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    EXPECT_EQ((*node)->id(), id);
    EXPECT_TRUE((*node)->log().Propose(MakeOrganization(6)).ok());
  }
  ASSERT_EQ(unlink((folder_.path() + "/a/node-id").c_str()), 0);
  auto node = Open("a");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_NE((*node)->id(), id);
  EXPECT_TRUE((*node)->log().Propose(MakeOrganization(7)).ok());
}

TEST_F(EtcdNodeTest, AnotherMasterKeyIsRefusedAndChangesNothing) {
  auto first = Open("a");
  ASSERT_TRUE(first.ok()) << first.status();
  master_ = 'x';
  const auto second = Open("b");
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
  EXPECT_TRUE((*first)->log().Propose(MakeOrganization(5)).ok());
}

TEST_F(EtcdNodeTest, AnotherEtcdIsRefusedAndTheStateStaysAsItWas) {
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    ASSERT_TRUE((*node)->log().Propose(MakeOrganization(5)).ok());
  }
  StartEtcd("empty");
  const auto on_empty = Open("a");
  EXPECT_EQ(on_empty.status().code(), absl::StatusCode::kFailedPrecondition) << on_empty.status();
  ASSERT_TRUE(Open("other").ok());
  const auto on_foreign = Open("a");
  EXPECT_EQ(on_foreign.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(EtcdNodeTest, ANodeWithAStateStartsReadOnlyWhereEtcdIsAwayAndOneWithoutDoesNot) {
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    ASSERT_TRUE((*node)->log().Propose(MakeOrganization(5)).ok());
  }
  etcd_->Kill(0);
  auto node = EtcdNode::Open(OptionsOf("a"), clock_);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ((*node)->log().Health().state, LogState::kReadOnly);
  EXPECT_TRUE((*node)->state().FindOrganization(OrganizationId{5}).has_value());
  const auto fresh = EtcdNode::Open(OptionsOf("b"), clock_);
  EXPECT_EQ(fresh.status().code(), absl::StatusCode::kFailedPrecondition) << fresh.status();
}

TEST_F(EtcdNodeTest, AWrongPasswordIsToldAndWritesNothing) {
  ASSERT_TRUE(Open("a").ok());
  ASSERT_TRUE(etcd_->Control({"user", "add", "root", "--interactive=false"}, "right\n"));
  ASSERT_TRUE(etcd_->Control({"user", "grant-role", "root", "root"}));
  ASSERT_TRUE(etcd_->Control({"auth", "enable"}));
  EtcdNodeOptions options = OptionsOf("b");
  options.etcd.user = "root";
  options.etcd.password = Secret("wrong");
  const auto refused = EtcdNode::Open(options, clock_);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition) << refused.status();
  EXPECT_FALSE(absl::StrContains(refused.status().message(), "wrong")) << refused.status();
  options.etcd.password = Secret("right");
  const auto taken = EtcdNode::Open(options, clock_);
  EXPECT_TRUE(taken.ok()) << taken.status();
}

TEST_F(EtcdNodeTest, ADataDirectoryOfANodeThatWasAloneIsRefused) {
  {
    LocalNodeOptions options;
    options.data_dir = folder_.path() + "/alone";
    auto alone = LocalNode::Open(options, clock_);
    ASSERT_TRUE(alone.ok()) << alone.status();
    ASSERT_TRUE((*alone)->log().Propose(MakeOrganization(5)).ok());
  }
  EXPECT_EQ(Open("alone").status().code(), absl::StatusCode::kFailedPrecondition);
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    ASSERT_TRUE((*node)->log().Propose(MakeOrganization(6)).ok());
  }
  LocalNodeOptions options;
  options.data_dir = folder_.path() + "/a";
  EXPECT_EQ(LocalNode::Open(options, clock_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EtcdNodeTest, WithoutAStateANodeThatComesAfterTheFirstEntriesAreGoneSaysWhatItNeeds) {
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    for (uint64_t id = 5; id < 9; ++id)
      ASSERT_TRUE((*node)->log().Propose(MakeOrganization(id)).ok());
  }
  ASSERT_TRUE(etcd_->Control({"compact", "5"}));
  const auto late = Open("late");
  EXPECT_EQ(late.status().code(), absl::StatusCode::kFailedPrecondition) << late.status();
  EXPECT_TRUE(absl::StrContains(late.status().message(), "state of another node"));
}

TEST_F(EtcdNodeTest, WhileANodeGetsAStateItHoldsTheTrimmingBackAndNotBeyond) {
  {
    auto node = Open("a");
    ASSERT_TRUE(node.ok()) << node.status();
    for (uint64_t id = 5; id < 9; ++id)
      ASSERT_TRUE((*node)->log().Propose(MakeOrganization(id)).ok());
  }
  const auto client = ConnectToEtcd(OptionsOf("a").etcd);
  ASSERT_TRUE(client.ok()) << client.status();
  EtcdLogOptions log;
  log.keys = std::make_shared<SealKeys>(std::vector<Secret>{Secret(std::string(32, master_))});
  ClusterRoot root;
  root.set_cluster_id(std::string(16, 'c'));
  ASSERT_TRUE(KeepClusterRoot(**client, log, root).ok());
  const auto count_pins = [&]() -> size_t {
    const auto found = (*client)->List(PinsKey(log), absl::Seconds(10));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->size() : 0;
  };
  ASSERT_TRUE(etcd_->Control({"compact", "5"}));
  EtcdNodeOptions options = OptionsOf("late");
  size_t pins = 0;
  options.fetch_state = [&](const StateWish&) {
    pins = count_pins();
    return absl::UnavailableError("nobody has one");
  };
  const auto late = EtcdNode::Open(options, clock_);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable) << late.status();
  EXPECT_EQ(pins, 1U);
  EXPECT_EQ(count_pins(), 0U);
}

// As ClusterNodes does it.
Command RemoveWithNewKey(const EtcdNode& left, uint64_t removed, uint32_t generation,
                         const Secret& key) {
  Command command;
  auto& remove = *command.mutable_remove_member();
  remove.set_node_id(removed);
  remove.set_key_generation(generation);
  auto& copy = *remove.add_sealed_keys();
  copy.set_node_id(left.id());
  copy.set_sealed(*SealForMember(left.public_key(), "", generation, left.id(), key));
  return command;
}

TEST_F(EtcdNodeTest, ANewKeyIsKeptAndWhereItCouldNotBeKeptItComesFromTheState) {
  const Secret second(std::string(32, 'n'));
  std::vector<std::pair<uint32_t, std::string>> kept;
  EtcdNodeOptions options = OptionsOf("a");
  options.keep_master_key = [&kept](uint32_t generation, const Secret& key) {
    kept.emplace_back(generation, std::string(key.Reveal()));
    return absl::FailedPreconditionError("the file can't be written");
  };
  {
    ASSERT_TRUE(Open("a").ok()) << "etcd is there";
    auto node = EtcdNode::Open(options, clock_);
    ASSERT_TRUE(node.ok()) << node.status();
    Command raise;
    raise.mutable_finalize_upgrade()->set_level(FeatureLevel());
    ASSERT_TRUE((*node)->log().Propose(raise).ok());
    for (const uint64_t id : {(*node)->id(), uint64_t{77}}) {
      Command add;
      add.mutable_add_member()->set_node_id(id);
      add.mutable_add_member()->set_display_name("node");
      add.mutable_add_member()->set_public_key((*node)->public_key());
      ASSERT_TRUE((*node)->log().Propose(add).ok());
    }
    ASSERT_TRUE((*node)->log().Propose(RemoveWithNewKey(**node, 77, 1, second)).ok());
    ASSERT_TRUE((*node)->log().Propose(MakeOrganization(5)).ok());
  }
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0], std::pair(uint32_t{1}, std::string(second.Reveal())));
  {
    auto again = EtcdNode::Open(options, clock_);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(kept.size(), 2U) << "tried anew at each start";
    EXPECT_TRUE((*again)->log().Propose(MakeOrganization(6)).ok());
  }
  // Another node gets none of it without the key, and all of it with the key.
  const auto without = Open("b");
  EXPECT_EQ(without.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(without.status().message(), "the keys of the cluster were changed"))
      << without.status();
  EtcdNodeOptions with = OptionsOf("c");
  with.master_keys = [&](bool) -> absl::StatusOr<std::vector<Secret>> {
    return std::vector<Secret>{Secret(std::string(32, master_)), second};
  };
  auto third = EtcdNode::Open(with, clock_);
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_TRUE((*third)->state().FindOrganization(OrganizationId{6}).has_value());
  // Nor the one that lost its own half.
  ASSERT_EQ(unlink((folder_.path() + "/a/node-key").c_str()), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(EtcdNode::Open(options, clock_).status()));
}

}  // namespace
}  // namespace muster::server
