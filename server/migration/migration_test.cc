// One node, a cluster, and the ways between them, on a real etcd.
#include "server/migration/migration.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/command_log/etcd/etcd_node.h"
#include "server/command_log/local/local_log.h"
#include "server/command_log/local/local_node.h"
#include "server/pki/installation.h"
#include "server/pki/master_key.h"
#include "server/state/pending_move.h"
#include "server/state/state_fixture.h"
#include "tests/support/etcd_process.h"

namespace muster::server {
namespace {

using testing::HasSubstr;

class MigrationTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(InitializeCryptography().ok());
    if (EtcdProcesses::Binary().empty()) GTEST_SKIP() << "etcd and etcdctl are not installed";
    etcd_ = std::make_unique<EtcdProcesses>(MakeFolder("etcd"), 1);
    ASSERT_TRUE(RunAlone("one", 5).ok());
  }

  std::string MakeFolder(const std::string& name) {
    const std::string folder = folder_.path() + "/" + name;
    EXPECT_EQ(mkdir(folder.c_str(), 0700), 0);
    return folder;
  }
  std::string DirOf(const std::string& name) const { return folder_.path() + "/" + name; }

  static Command MakeOrganization(uint64_t id) {
    Command command;
    command.mutable_create_organization()->set_organization_id(id);
    command.mutable_create_organization()->set_slug(absl::StrCat("organization-", id));
    command.mutable_actor()->set_principal("test");
    command.set_method("test/Make");
    command.mutable_request()->set_request_id(absl::StrCat("make-", id));
    return command;
  }

  // Sets it up where it is not, makes an organization, and remembers where it was.
  absl::Status Work(Node& node, const std::string& name, uint64_t id) {
    InstallationTerms terms;
    terms.data_dir = DirOf(name);
    terms.master_key_file = key_file_;
    terms.make_root_key = [] {
      internal::v1::CreateApiKey key;
      key.set_api_key_id(1);
      key.set_role(4);
      key.set_key_hash(Hash256("root"));
      return key;
    };
    const auto installation = OpenInstallation(terms, node.log(), node.state(), clock_);
    if (!installation.ok()) return installation.status();
    const auto made = node.log().Propose(MakeOrganization(id));
    position_ = node.log().AppliedPosition();
    repeated_ = made.ok() && made->repeated;
    return made.status();
  }

  absl::Status RunAlone(const std::string& name, uint64_t id) {
    LocalNodeOptions options;
    options.data_dir = DirOf(name);
    auto node = LocalNode::Open(options, clock_);
    if (!node.ok()) return node.status();
    return Work(**node, name, id);
  }

  absl::StatusOr<std::unique_ptr<EtcdNode>> OpenNode(const std::string& name) {
    EtcdNodeOptions options;
    options.data_dir = DirOf(name);
    options.etcd.urls = etcd_->urls();
    options.master_keys = [this](bool) { return ReadMasterKeys(key_file_); };
    return EtcdNode::Open(options, clock_);
  }

  absl::Status RunOnEtcd(const std::string& name, uint64_t id) {
    auto node = OpenNode(name);
    if (!node.ok()) return node.status();
    return Work(**node, name, id);
  }

  MigrateTerms Terms(const std::string& name) const {
    MigrateTerms terms;
    terms.data_dir = DirOf(name);
    terms.master_key_file = key_file_;
    terms.etcd.urls = etcd_->urls();
    terms.patience = absl::Seconds(5);
    return terms;
  }

  bool Has(const std::string& name, uint64_t id) {
    auto state = SqliteState::Open(DirOf(name) + "/state.db");
    return state.ok() && (*state)->FindOrganization(OrganizationId{id}).has_value();
  }

  TempFolder folder_;
  SystemClock clock_;
  std::string key_file_ = folder_.path() + "/key";
  std::unique_ptr<EtcdProcesses> etcd_;
  Position position_;
  bool repeated_ = false;
};

TEST_F(MigrationTest, ThereAndBackNothingIsLostAndTheIndexGoesOn) {
  const Position alone = position_;
  const auto there = MigrateToEtcd(Terms("one"));
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_NE(there->position.log_id, alone.log_id);
  EXPECT_GT(there->position.index, alone.index);
  // What was asked before is known under its request id.
  ASSERT_TRUE(RunOnEtcd("one", 5).ok());
  EXPECT_TRUE(repeated_);
  ASSERT_TRUE(RunOnEtcd("one", 6).ok());
  EXPECT_EQ(position_.log_id, there->position.log_id);
  EXPECT_GT(position_.index, there->position.index);
  const Position in_etcd = position_;
  const auto back = MigrateToLocal(Terms("one"), clock_);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_NE(back->position.log_id, in_etcd.log_id);
  EXPECT_GT(back->position.index, in_etcd.index);
  ASSERT_TRUE(RunAlone("one", 6).ok());
  EXPECT_TRUE(repeated_);
  ASSERT_TRUE(RunAlone("one", 7).ok());
  for (const uint64_t id : {5, 6, 7}) EXPECT_TRUE(Has("one", id)) << id;
}

TEST_F(MigrationTest, RepeatingADirectionThatIsThroughChangesNothing) {
  const auto first = MigrateToEtcd(Terms("one"));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = MigrateToEtcd(Terms("one"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->was_done);
  EXPECT_EQ(again->position, first->position);
  ASSERT_TRUE(RunOnEtcd("one", 6).ok());
  EXPECT_THAT(MigrateToEtcd(Terms("one")).status().message(), HasSubstr("a cluster already"));
  const auto back = MigrateToLocal(Terms("one"), clock_);
  ASSERT_TRUE(back.ok()) << back.status();
  const auto still = MigrateToLocal(Terms("one"), clock_);
  ASSERT_TRUE(still.ok()) << still.status();
  EXPECT_TRUE(still->was_done);
  EXPECT_EQ(still->position, back->position);
}

TEST_F(MigrationTest, ItTakesInWhatOtherNodesHadWrittenAndTheyGoOnNoMore) {
  ASSERT_TRUE(MigrateToEtcd(Terms("one")).ok());
  ASSERT_TRUE(RunOnEtcd("one", 6).ok());
  // Another node, with a state of this moment.
  MakeFolder("two");
  std::ofstream(DirOf("two") + "/state.db", std::ios::binary)
      << std::ifstream(DirOf("one") + "/state.db", std::ios::binary).rdbuf();
  ASSERT_TRUE(RunOnEtcd("two", 7).ok());
  EXPECT_FALSE(Has("one", 7));
  auto two = OpenNode("two");
  ASSERT_TRUE(two.ok()) << two.status();
  const auto back = MigrateToLocal(Terms("one"), clock_);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(Has("one", 7));
  // It runs, hidden, and takes no change after the end of the log.
  EXPECT_FALSE((*two)->log().Propose(MakeOrganization(8)).ok());
  EXPECT_EQ((*two)->log().Health().state, LogState::kStopped);
  two->reset();
  EXPECT_THAT(OpenNode("two").status().message(), HasSubstr("was moved to node"));
  EXPECT_THAT(MigrateToLocal(Terms("two"), clock_).status().message(),
              HasSubstr("was moved to node"));
  EXPECT_THAT(MigrateToEtcd(Terms("one")).status().message(), HasSubstr("is not empty"));
  ASSERT_TRUE(RunAlone("one", 9).ok());
}

TEST_F(MigrationTest, AFreshNodeOfAMigratedClusterNeedsAStateFirst) {
  ASSERT_TRUE(MigrateToEtcd(Terms("one")).ok());
  ASSERT_TRUE(RunOnEtcd("one", 6).ok());
  EXPECT_THAT(OpenNode("fresh").status().message(), HasSubstr("state of another node"));
}

TEST_F(MigrationTest, OneThatDiedAfterItsFirstStepIsFinishedOrGivenUp) {
  {
    auto state = SqliteState::Open(DirOf("one") + "/state.db");
    ASSERT_TRUE(state.ok());
    LocalLog log(**state, {});
    Command command;
    command.mutable_migrate_state()->set_log_id(std::string(16, 'L'));
    ASSERT_TRUE(log.Propose(command).ok());
    EXPECT_FALSE(log.Propose(command).ok());
  }
  EXPECT_THAT(RunAlone("one", 6).message(), HasSubstr("on its way to etcd"));
  const auto given_up = MigrateToLocal(Terms("one"), clock_);
  ASSERT_TRUE(given_up.ok()) << given_up.status();
  EXPECT_TRUE(given_up->was_given_up);
  ASSERT_TRUE(RunAlone("one", 6).ok());
  {
    auto state = SqliteState::Open(DirOf("one") + "/state.db");
    LocalLog log(**state, {});
    Command command;
    command.mutable_migrate_state()->set_log_id(std::string(16, 'M'));
    ASSERT_TRUE(log.Propose(command).ok());
  }
  const auto finished = MigrateToEtcd(Terms("one"));
  ASSERT_TRUE(finished.ok()) << finished.status();
  EXPECT_EQ(finished->position.log_id, std::string(16, 'M'));
  ASSERT_TRUE(RunOnEtcd("one", 7).ok());
  EXPECT_TRUE(Has("one", 6));
}

TEST_F(MigrationTest, AnotherKeyAnEtcdOfSomebodyAndADirectoryInUseAreRefused) {
  const std::string before = position_.log_id;
  MigrateTerms terms = Terms("one");
  terms.master_key_file = folder_.path() + "/other";
  ASSERT_TRUE(MakeMasterKey(terms.master_key_file).ok());
  EXPECT_THAT(MigrateToEtcd(terms).status().message(), HasSubstr("is not the master key"));
  terms.master_key_file = folder_.path() + "/none";
  EXPECT_THAT(MigrateToEtcd(terms).status().message(), HasSubstr("is missing"));
  EXPECT_THAT(MigrateToEtcd(Terms("nothing")).status().message(), HasSubstr("holds no state"));
  ASSERT_TRUE(etcd_->Control({"put", "muster/owner", "somebody"}));
  EXPECT_THAT(MigrateToEtcd(Terms("one")).status().message(), HasSubstr("is not empty"));
  ASSERT_TRUE(etcd_->Control({"del", "muster/owner"}));
  etcd_->Kill(0);
  EXPECT_THAT(MigrateToEtcd(Terms("one")).status().message(), HasSubstr("can't reach etcd"));
  {
    LocalNodeOptions options;
    options.data_dir = DirOf("one");
    auto running = LocalNode::Open(options, clock_);
    ASSERT_TRUE(running.ok());
    EXPECT_THAT(MigrateToEtcd(Terms("one")).status().message(), HasSubstr("in use"));
  }
  ASSERT_TRUE(RunAlone("one", 6).ok());
  EXPECT_EQ(position_.log_id, before);
}

}  // namespace
}  // namespace muster::server
