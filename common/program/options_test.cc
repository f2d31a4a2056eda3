#include "common/program/options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace muster {
namespace {

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() : options_("prog", "A program.", "PROG_TEST", "Examples:\n  prog\n") {
    options_.Text("name", "a name", &name_);
    options_.Number("count", "a count", &count_, 1, 10);
    options_.List("edge", "an edge", &edges_);
    options_.Switch("fast", "be fast", &fast_);
  }
  ~OptionsTest() override { unsetenv("PROG_TEST_NAME"); }

  std::optional<int> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "prog");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return options_.Parse(static_cast<int>(argv.size()), argv.data());
  }

  Options options_;
  std::string name_ = "default";
  int64_t count_ = 1;
  std::vector<std::string> edges_;
  bool fast_ = false;
};

TEST_F(OptionsTest, FlagsAreStrongerThanTheEnvironmentAndThatThanTheFile) {
  const std::string path = testing::TempDir() + "/options_" + std::to_string(getpid()) + ".toml";
  std::ofstream(path) << "name = \"file\"\ncount = 7\nedge = [\"a\", \"b\"]\nfast = true\n";
  setenv("PROG_TEST_NAME", "environment", 1);
  ASSERT_EQ(Parse({"--config", path, "--count", "9"}), std::nullopt);
  EXPECT_EQ(name_, "environment");
  EXPECT_EQ(count_, 9);
  EXPECT_EQ(edges_, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(fast_);
  unlink(path.c_str());
}

TEST_F(OptionsTest, WrongUsageEndsWithTwo) {
  EXPECT_EQ(Parse({"--count", "11"}), 2);
  EXPECT_EQ(Parse({"--count", "many"}), 2);
  EXPECT_EQ(Parse({"--unknown"}), 2);
  EXPECT_EQ(Parse({"--config", "/nonexistent.toml"}), 2);
}

TEST_F(OptionsTest, OnlyAFileThatIsSharedMayNameOtherSettings) {
  const std::string path = testing::TempDir() + "/shared_" + std::to_string(getpid()) + ".toml";
  std::ofstream(path) << "name = \"file\"\nlisten = \"of another\"\n";
  EXPECT_EQ(Parse({"--config", path}), 2);
  options_.ShareFile();
  ASSERT_EQ(Parse({"--config", path}), std::nullopt);
  EXPECT_EQ(name_, "file");
  unlink(path.c_str());
}

TEST_F(OptionsTest, ListsRepeatTheirFlag) {
  ASSERT_EQ(Parse({"--edge", "a", "--edge", "b"}), std::nullopt);
  EXPECT_EQ(edges_, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace muster
