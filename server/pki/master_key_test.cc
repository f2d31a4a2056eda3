#include "server/pki/master_key.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "server/state/state_fixture.h"

namespace muster::server {
namespace {

using testing::HasSubstr;

class MasterKeyTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(InitializeCryptography().ok()); }

  std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  void Write(const std::string& text) {
    std::remove(path_.c_str());
    ASSERT_TRUE(WriteNewSecretFile(path_, text).ok());
  }

  static Secret Key(char c) { return Secret(std::string(32, c)); }

  TempFolder folder_;
  const std::string path_ = folder_.path() + "/keys";
};

TEST_F(MasterKeyTest, LaterKeysComeBehindTheFirstAndTheFileStaysItsOwners) {
  const auto first = MakeMasterKey(path_);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(AddMasterKey(path_, 1, Key('a')).ok());
  ASSERT_TRUE(AddMasterKey(path_, 2, Key('b')).ok());
  ASSERT_TRUE(AddMasterKey(path_, 1, Key('a')).ok()) << "repeating is harmless";
  const auto keys = ReadMasterKeys(path_);
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_EQ((*keys)[0].Reveal(), first->Reveal());
  EXPECT_EQ((*keys)[1].Reveal(), Key('a').Reveal());
  EXPECT_EQ((*keys)[2].Reveal(), Key('b').Reveal());
  EXPECT_EQ(ReadMasterKey(path_)->Reveal(), first->Reveal());
  struct stat facts {};
  ASSERT_EQ(stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  EXPECT_EQ(Text(), FormatMasterKeys(*keys).Reveal());
}

TEST_F(MasterKeyTest, NodesThatShareAFileWriteEachKeyOnce) {
  ASSERT_TRUE(MakeMasterKey(path_).ok());
  std::vector<std::thread> nodes;
  for (int i = 0; i < 8; ++i) {
    nodes.emplace_back([this] { EXPECT_TRUE(AddMasterKey(path_, 1, Key('a')).ok()); });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(ReadMasterKeys(path_)->size(), 2U);
}

TEST_F(MasterKeyTest, AFileThatSomebodyWroteWithoutALineBreakAtItsEndIsTaken) {
  Write(std::string(64, 'a'));
  ASSERT_TRUE(AddMasterKey(path_, 1, Key('b')).ok());
  EXPECT_EQ(ReadMasterKeys(path_)->size(), 2U);
}

TEST_F(MasterKeyTest, AKeyInThePlaceOfAnotherOrAfterAGapIsRefusedAndNothingIsWritten) {
  ASSERT_TRUE(MakeMasterKey(path_).ok());
  const std::string before = Text();
  EXPECT_TRUE(absl::IsFailedPrecondition(AddMasterKey(path_, 0, Key('a'))));
  EXPECT_TRUE(absl::IsFailedPrecondition(AddMasterKey(path_, 2, Key('a'))));
  EXPECT_EQ(Text(), before);
}

TEST_F(MasterKeyTest, ALineThatIsNoKeyIsNamedWithoutItsText) {
  const std::string half(63, 'c');
  Write(std::string(64, 'a') + "\n" + half);
  const auto keys = ReadMasterKeys(path_);
  ASSERT_TRUE(absl::IsFailedPrecondition(keys.status()));
  EXPECT_THAT(std::string(keys.status().message()), HasSubstr("line 2"));
  EXPECT_THAT(std::string(keys.status().message()), testing::Not(HasSubstr("ccc")));
  Write("");
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadMasterKeys(path_).status()));
  std::remove(path_.c_str());
  EXPECT_TRUE(absl::IsNotFound(ReadMasterKeys(path_).status()));
}

TEST_F(MasterKeyTest, AFileThatLacksTheClustersNewestKeyIsNamedWithWhatToDo) {
  EXPECT_TRUE(CheckHasGeneration("f", {Key('a'), Key('b')}, 1).ok());
  const absl::Status lacks = CheckHasGeneration("f", {Key('a'), Key('b')}, 2);
  EXPECT_TRUE(absl::IsFailedPrecondition(lacks));
  EXPECT_THAT(std::string(lacks.message()), HasSubstr("f holds 2 keys, and the cluster has 3"));
}

}  // namespace
}  // namespace muster::server
