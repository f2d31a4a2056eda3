// First start and later starts of an installation, on real files.
#include "server/pki/installation.h"

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "tests/edges/edge_harness.h"

namespace muster::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class InstallationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeCryptography().ok()); }

  absl::StatusOr<std::unique_ptr<Installation>> Open() {
    LocalNodeOptions options;
    options.data_dir = data_dir_;
    options.start_ticker = false;
    auto node = LocalNode::Open(options, clock_);
    EXPECT_TRUE(node.ok()) << node.status();
    if (!node.ok()) return node.status();
    InstallationTerms terms;
    terms.data_dir = data_dir_;
    terms.make_root_key = [this]() -> absl::StatusOr<internal::v1::CreateApiKey> {
      ++root_keys_;
      if (!root_key_problem_.ok()) return root_key_problem_;
      internal::v1::CreateApiKey key;
      key.set_api_key_id(1);
      key.set_role(4);
      key.set_key_hash(Hash256("root"));
      return key;
    };
    auto installation = OpenInstallation(terms, (*node)->log(), (*node)->state(), clock_);
    (*node)->log().Stop();
    return installation;
  }

  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  TestFolder folder_;
  const std::string data_dir_ = folder_.path() + "/data";
  const std::string master_key_ = folder_.path() + "/data.master-key";
  SystemClock clock_;
  int root_keys_ = 0;
  absl::Status root_key_problem_;
};

TEST_F(InstallationTest, FirstStartMakesItAndLaterStartsFindTheSame) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE((*first)->first_start);
  const auto second = Open();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE((*second)->first_start);
  EXPECT_EQ((*second)->keys.cluster_id, (*first)->keys.cluster_id);
  EXPECT_EQ((*second)->keys.token_keys[0].key.Reveal(), (*first)->keys.token_keys[0].key.Reveal());
  EXPECT_EQ(root_keys_, 1);
}

TEST_F(InstallationTest, RootsLieInTheDataDirectoryAndComeBackWhenTheyAreLost) {
  const std::string root = (*Open())->keys.router_root.pem;
  EXPECT_EQ(Read(data_dir_ + "/pki/router-ca.pem"), root);
  ASSERT_EQ(std::remove((data_dir_ + "/pki/router-ca.pem").c_str()), 0);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Read(data_dir_ + "/pki/router-ca.pem"), root);
}

TEST_F(InstallationTest, MasterKeyIsForItsOwnerOnlyAndOutsideOfTheDataDirectory) {
  const auto opened = Open();
  EXPECT_EQ((*opened)->master_key_file, master_key_);
  struct stat status {};
  ASSERT_EQ(stat(master_key_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(InstallationTest, DatabaseHoldsNoPrivateKeyInClear) {
  const auto opened = Open();
  const std::string pem((*opened)->keys.router_root.key.ToPem()->Reveal());
  const std::string token_key((*opened)->keys.token_keys[0].key.Reveal());
  for (const char* name : {"/state.db", "/state.db-wal"}) {
    const std::string bytes = Read(data_dir_ + name);
    EXPECT_THAT(bytes, Not(HasSubstr("PRIVATE KEY"))) << name;
    EXPECT_EQ(bytes.find(pem.substr(40, 40)), std::string::npos) << name;
    EXPECT_EQ(bytes.find(token_key), std::string::npos) << name;
  }
}

TEST_F(InstallationTest, MissingMasterKeyIsSaidAndNotMadeAnew) {
  ASSERT_TRUE(Open().ok());
  ASSERT_EQ(std::remove(master_key_.c_str()), 0);
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(master_key_));
  EXPECT_EQ(Read(master_key_), "");
}

TEST_F(InstallationTest, MasterKeyOfAnotherInstallationOpensNothing) {
  ASSERT_TRUE(Open().ok());
  ASSERT_EQ(std::remove(master_key_.c_str()), 0);
  ASSERT_TRUE(WriteNewSecretFile(master_key_, std::string(64, 'a')).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(InstallationTest, MasterKeyThatOthersMayReadIsRefused) {
  ASSERT_TRUE(Open().ok());
  ASSERT_EQ(chmod(master_key_.c_str(), 0644), 0);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(InstallationTest, StartThatDiedBeforeItsFirstCommandIsRepeated) {
  root_key_problem_ = absl::InternalError("died here");
  EXPECT_FALSE(Open().ok());
  const std::string key = Read(master_key_);
  EXPECT_EQ(key.size(), 65u);
  root_key_problem_ = absl::OkStatus();
  const auto again = Open();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE((*again)->first_start);
  EXPECT_EQ(Read(master_key_), key);
}

}  // namespace
}  // namespace muster::server
