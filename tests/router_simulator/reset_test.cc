// What is left after a reset, and what runs after it.
#include <gtest/gtest.h>

#include "tests/router_simulator/export.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

class ResetTest : public testing::TestWithParam<const char*> {
 protected:
  ResetTest() : router_(OptionsFor(GetParam())) {
    router_.Run(
        "/system identity set name=before\n/user add name=ann group=full\n"
        "/ip address add address=10.0.0.1/24 interface=ether1\n:global g 5");
    WriteFile(router_, "after.rsc",
              "/system identity set name=after\n:delay 90s\n/ip address add "
              "address=10.0.0.2/24 interface=ether2\n",
              "script");
  }
  static RouterOptions OptionsFor(absl::string_view version) {
    RouterOptions options;
    options.version = *ParseRouterVersion(version);
    return options;
  }
  size_t Count(absl::string_view path) {
    return router_.Rows(*router_.tree().Menu(path)).rows.size();
  }
  RunResult ResetWith(const std::string& arguments) {
    return router_.Run("/system reset-configuration " + arguments, absl::Seconds(5));
  }
  bool LogHas(const std::string& text) {
    for (const LogLine& line : router_.log()) {
      if (line.message.find(text) != std::string::npos) return true;
    }
    return false;
  }

  Router router_;
};

INSTANTIATE_TEST_SUITE_P(Versions, ResetTest,
                         testing::Values("6.49.10", "7.8", "7.12.2", "7.15.3", "7.20.8"));

TEST_P(ResetTest, ForgetsTheConfigurationAndKeepsFiles) {
  EXPECT_FALSE(ResetWith("no-defaults=yes").ok) << "the connection is lost";
  router_.RunFor(absl::Seconds(5));
  EXPECT_EQ(router_.boots(), 2);
  EXPECT_EQ(Count("/ip/address"), 0u);
  EXPECT_EQ(Count("/user"), 1u);
  EXPECT_TRUE(router_.globals().empty());
  EXPECT_EQ(router_.Show("/system/identity", "", "name"), "MikroTik");
  EXPECT_TRUE(ReadFile(router_, "after.rsc").has_value());
  EXPECT_TRUE(ReadFile(router_, "auto-before-reset.backup").has_value());
}

TEST_P(ResetTest, KeepsUsersAndMakesNoBackupWhereTold) {
  ResetWith("keep-users=yes skip-backup=yes no-defaults=yes");
  router_.RunFor(absl::Seconds(5));
  EXPECT_EQ(Count("/user"), 2u);
  EXPECT_EQ(Count("/ip/address"), 0u);
  EXPECT_FALSE(ReadFile(router_, "auto-before-reset.backup").has_value());
}

TEST_P(ResetTest, RunsTheScriptAfterwards) {
  ResetWith("no-defaults=yes run-after-reset=after.rsc");
  router_.RunFor(absl::Seconds(10));
  EXPECT_EQ(router_.Show("/system/identity", "", "name"), "after");
  EXPECT_EQ(Count("/ip/address"), 0u);
  router_.RunFor(absl::Minutes(3));
  EXPECT_EQ(Count("/ip/address"), 1u);
  EXPECT_FALSE(LogHas("runtime limit"));
}

TEST_P(ResetTest, EndsAScriptAfterTwoMinutesButNotWhatItStarted) {
  WriteFile(router_, "long.rsc",
            ":execute script={:delay 150s;/system identity set name=background}\n:delay 3m\n"
            "/ip address add address=10.0.0.2/24 interface=ether2\n",
            "script");
  ResetWith("run-after-reset=long.rsc");
  router_.RunFor(absl::Minutes(10));
  EXPECT_TRUE(LogHas("runtime limit exceeded"));
  EXPECT_EQ(Count("/ip/address"), 0u);
  EXPECT_EQ(router_.Show("/system/identity", "", "name"), "background");
}

TEST_P(ResetTest, RefusesWhatARouterWouldRefuse) {
  for (const char* arguments : {"run-after-reset=nothing.rsc", "run-after-reset=after",
                                "no-defaults=perhaps", "keep-everything=yes"}) {
    EXPECT_FALSE(ResetWith(arguments).ok) << arguments;
    router_.RunFor(absl::Seconds(5));
    EXPECT_EQ(router_.boots(), 1) << arguments;
  }
  router_.Run(
      "/system script add name=weak policy=read source=\"/system reset-configuration\"\n"
      "/system scheduler add name=weak policy=read interval=5s on-event=\"/system script run "
      "weak\"");
  router_.RunFor(absl::Seconds(20));
  EXPECT_EQ(router_.boots(), 1);
}

}  // namespace
}  // namespace muster::simulator
