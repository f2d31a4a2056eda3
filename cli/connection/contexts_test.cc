#include "cli/connection/contexts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace muster::cli {
namespace {

class ContextsTest : public testing::Test {
 protected:
  ContextsTest() {
    std::string pattern = testing::TempDir() + "/contexts-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ContextsTest() override { std::filesystem::remove_all(folder_); }

  std::string Path() const { return folder_ + "/new/config.toml"; }

  std::string folder_;
};

TEST_F(ContextsTest, KeepsWhatWasWritten) {
  ContextFile file;
  file.path = Path();
  file.current = "riga";
  file.contexts["riga"] = {"r:7450", "/a \"b\"\\c\n", "/k", "default"};
  file.contexts["a.b"] = {"x:1", "", "", ""};
  ASSERT_TRUE(WriteContexts(file).ok());
  const auto read = ReadContexts(Path());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->current, "riga");
  ASSERT_EQ(read->contexts.size(), 2u);
  EXPECT_EQ(read->contexts.at("riga").ca_file, "/a \"b\"\\c\n");
  EXPECT_EQ(read->contexts.at("a.b").server, "x:1");
}

TEST_F(ContextsTest, NobodyElseCanReadTheFileOrItsFolder) {
  ContextFile file;
  file.path = Path();
  ASSERT_TRUE(WriteContexts(file).ok());
  struct stat status;
  ASSERT_EQ(stat(Path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((folder_ + "/new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(ContextsTest, AnAbsentFileHasNoContexts) {
  const auto read = ReadContexts(Path());
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->contexts.empty());
}

TEST_F(ContextsTest, WrongFilesAreRefusedWithTheirName) {
  for (const char* text : {"current-context = ", "colour = \"red\"", "[contexts.a]\nserver = 3",
                           "[contexts.a]\nkey = \"mk1.secret\"", "contexts = 3"}) {
    const std::string path = folder_ + "/config.toml";
    std::ofstream(path) << text;
    const auto read = ReadContexts(path);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition) << text;
    EXPECT_NE(read.status().message().find(path), absl::string_view::npos) << text;
    EXPECT_EQ(read.status().message().find("secret"), absl::string_view::npos) << text;
  }
}

TEST(ContextNameTest, IsSafeAsAFileName) {
  EXPECT_TRUE(IsContextName("prod-1.eu_x"));
  for (const char* name : {"", ".", "../x", "a/b", "a b", "\x1B"})
    EXPECT_FALSE(IsContextName(name));
}

}  // namespace
}  // namespace muster::cli
