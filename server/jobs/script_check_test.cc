#include "server/jobs/script_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::server {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ScriptCheckTest, RefusesWhatNoRouterCouldRun) {
  EXPECT_TRUE(CheckScript(":put 1").ok());
  EXPECT_FALSE(CheckScript("").ok());
  EXPECT_FALSE(CheckScript(" \n\t").ok());
  EXPECT_FALSE(CheckScript(std::string("a\0b", 3)).ok());
  EXPECT_TRUE(CheckScript(std::string(kLargestScriptBytes, 'x')).ok());
  EXPECT_FALSE(CheckScript(std::string(kLargestScriptBytes + 1, 'x')).ok());
}

TEST(ScriptCheckTest, FindsCommandsThatEndTheSession) {
  for (const char* script :
       {"/system reboot", ":put 1\n/system/reboot", "/System  Reboot", "/system backup load name=x",
        "/system reset-configuration no-defaults=yes", "/system/package/update/install"}) {
    EXPECT_NE(FindEndingCommand(script), "") << script;
  }
  for (const char* script : {"/system identity set name=reboot", "/system backup save name=x",
                             "/ip address add address=10.0.0.1/24 interface=ether1"}) {
    EXPECT_EQ(FindEndingCommand(script), "") << script;
  }
}

TEST(ScriptCheckTest, NamesTheLimitAndTheFirstDevicesThatItHits) {
  Device old;
  old.routeros_version = "6.49.10";
  Device current;
  current.routeros_version = "7.20.8";
  const size_t limit = LargestScriptFor("6.49.10", "1");
  ASSERT_LT(limit, LargestScriptFor("7.20.8", "1"));

  ScriptFit fit;
  fit.Add(current, "new", limit + 1);
  EXPECT_TRUE(fit.Verdict().ok());
  for (const char* title : {"a", "b", "c", "d"}) fit.Add(old, title, limit + 1);
  const absl::Status verdict = fit.Verdict();
  EXPECT_EQ(verdict.code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(verdict.message());
  EXPECT_THAT(message, HasSubstr(std::to_string(limit)));
  EXPECT_THAT(message, HasSubstr("4 of the devices (a (RouterOS 6.49.10), b"));
  EXPECT_THAT(message, Not(HasSubstr("d (RouterOS")));
}

TEST(ScriptCheckTest, AnAgentThatTakesPartsTakesTheLongestScript) {
  EXPECT_EQ(LargestScriptFor("6.49.10", "2"), kLargestScriptBytes);
  EXPECT_EQ(LargestScriptFor("7.20.8", "2+17"), kLargestScriptBytes);
  EXPECT_LT(LargestScriptFor("7.20.8", "1+17"), kLargestScriptBytes);
  EXPECT_LT(LargestScriptFor("7.20.8", ""), kLargestScriptBytes);
  Device device;
  device.routeros_version = "6.49.10";
  device.agent_version = "2";
  ScriptFit fit;
  fit.Add(device, "old", kLargestScriptBytes);
  EXPECT_TRUE(fit.Verdict().ok());
}

}  // namespace
}  // namespace muster::server
