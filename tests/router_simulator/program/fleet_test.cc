#include "tests/router_simulator/program/fleet.h"

#include <atomic>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/router_simulator/http_transport.h"
#include "tests/router_simulator/program/control_channel.h"

namespace muster::simulator {
namespace {

// Answers everything with "ok", from many threads.
class OkTransport : public HttpTransport {
 public:
  HttpReply Fetch(const HttpRequest& request) override {
    ++fetches;
    HttpReply reply;
    reply.body = "ok";
    return reply;
  }
  std::string Resolve(absl::string_view) override { return "192.0.2.1"; }
  std::atomic<int> fetches{0};
};

FleetOptions OptionsOf(int count, absl::string_view line) {
  FleetOptions options;
  options.bootstrap = std::string(line);
  options.count = count;
  options.interval = absl::Milliseconds(20);
  options.versions = {*ParseRouterVersion("6.49.10"), *ParseRouterVersion("7.20.8")};
  options.quiet = true;
  return options;
}

// A line that installs a beat of the test's own.
constexpr char kLine[] =
    "/system script add name=beat source=\"/tool fetch url=\\\"https://e/b\\\" output=none\"; "
    "/system scheduler add name=beat interval=30s start-time=startup "
    "on-event=\"/system script run beat\"";

// Waits for turns of routers until `condition` holds.
bool Eventually(Fleet& fleet, const std::function<bool()>& condition) {
  return fleet.WaitUntil(condition, absl::Seconds(30));
}

TEST(FleetTest, EveryRouterRunsTheLineAndItsScheduler) {
  OkTransport transport;
  Fleet fleet(OptionsOf(20, kLine), &transport);
  fleet.Start();
  EXPECT_TRUE(Eventually(fleet, [&] { return transport.fetches > 100; }));
  for (int i = 0; i < fleet.size(); ++i) {
    EXPECT_NE(Answer(fleet, absl::StrCat("dump ", i, " /system/scheduler")).find("name=beat"),
              std::string::npos);
  }
  fleet.Stop();
  EXPECT_EQ(fleet.Counts().load_errors, 0);
}

TEST(FleetTest, AnswersTheControlChannel) {
  OkTransport transport;
  Fleet fleet(OptionsOf(2, ":put 1"), &transport);
  fleet.Start();
  ASSERT_TRUE(Eventually(fleet, [&] { return Answer(fleet, "run 0 :put 7") == "7\r\n\n"; }));
  EXPECT_EQ(Answer(fleet, "run 0 /system identity set name=changed"), "\n");
  EXPECT_NE(Answer(fleet, "dump 0 /system/identity").find("name=changed"), std::string::npos);
  EXPECT_NE(Answer(fleet, "export 0").find("name=changed"), std::string::npos);
  Answer(fleet, "save 0");
  Answer(fleet, "run 0 /system identity set name=later");
  Answer(fleet, "restore 0");
  EXPECT_NE(Answer(fleet, "dump 0 /system/identity").find("name=changed"), std::string::npos);
  EXPECT_NE(Answer(fleet, "show 0").find("boots=2"), std::string::npos);
  EXPECT_NE(Answer(fleet, "upgrade 0 7.22.3"), "");
  EXPECT_NE(Answer(fleet, "show 0").find("version=7.22.3"), std::string::npos);
  EXPECT_EQ(Answer(fleet, "dump 9 /system/identity"), "no router 9\n");
  EXPECT_EQ(Answer(fleet, "dance 0"), "unknown command dance\n");
}

TEST(FleetTest, CountsTextThatDoesNotLoad) {
  OkTransport transport;
  Fleet fleet(OptionsOf(3, ":nonsense"), &transport);
  fleet.Start();
  EXPECT_TRUE(Eventually(fleet, [&] { return fleet.Counts().load_errors == 3; }));
}

// A router that has its beat.
void Settle(Fleet& fleet, OkTransport& transport) {
  fleet.Start();
  ASSERT_TRUE(Eventually(
      fleet, [&] { return transport.fetches > 2 && Answer(fleet, "run 0 :put 7") == "7\r\n\n"; }));
}

std::string Name(Fleet& fleet) { return Answer(fleet, "dump 0 /system/identity"); }

TEST(FleetTest, AFullFlashKeepsNothingOverAReboot) {
  OkTransport transport;
  Fleet fleet(OptionsOf(1, kLine), &transport);
  Settle(fleet, transport);
  Answer(fleet, "full-flash 0 on");
  EXPECT_NE(Answer(fleet, "run 0 /tool fetch url=\"https://e/f\" dst-path=f").find("no space"),
            std::string::npos);
  EXPECT_NE(Answer(fleet, "run 0 /file print file=f").find("no space"), std::string::npos);
  Answer(fleet, "run 0 /system identity set name=later");
  EXPECT_NE(Name(fleet).find("name=later"), std::string::npos);
  Answer(fleet, "reboot 0");
  EXPECT_EQ(Name(fleet).find("name=later"), std::string::npos);
  Answer(fleet, "heal 0");
  Answer(fleet, "run 0 /system identity set name=later");
  Answer(fleet, "reboot 0");
  EXPECT_NE(Name(fleet).find("name=later"), std::string::npos);
}

TEST(FleetTest, ALateFlashLosesTheLastChangesWithThePower) {
  OkTransport transport;
  Fleet fleet(OptionsOf(1, kLine), &transport);
  Settle(fleet, transport);
  Answer(fleet, "late-flash 0 40");
  Answer(fleet, "run 0 /system identity set name=later");
  Answer(fleet, "power-loss 0");
  EXPECT_EQ(Name(fleet).find("name=later"), std::string::npos);
}

TEST(FleetTest, ThePowerFailsBetweenAnyTwoStatements) {
  constexpr char kTwo[] =
      "run 0 /system identity set name=one; /system note set note=two; :put done";
  for (int statements = 0; statements < 4; ++statements) {
    OkTransport transport;
    Fleet fleet(OptionsOf(1, ":put 1"), &transport);
    fleet.Start();
    ASSERT_TRUE(Eventually(fleet, [&] { return Answer(fleet, "run 0 :put 7") == "7\r\n\n"; }));
    Answer(fleet, absl::StrCat("power-loss 0 ", statements));
    const std::string answer = Answer(fleet, kTwo);
    EXPECT_EQ(answer.find("rebooted") != std::string::npos, statements < 3) << answer;
    EXPECT_EQ(Name(fleet).find("name=one") != std::string::npos, statements > 0);
    EXPECT_EQ(Answer(fleet, "dump 0 /system/note").find("note=two") != std::string::npos,
              statements > 1);
  }
}

TEST(FleetTest, OldStateComesBackWithAndWithoutAReboot) {
  OkTransport transport;
  Fleet fleet(OptionsOf(2, kLine), &transport);
  Settle(fleet, transport);
  Answer(fleet, "save 0");
  Answer(fleet, "run 0 /system identity set name=later");
  Answer(fleet, "rollback 0");
  EXPECT_EQ(Name(fleet).find("name=later"), std::string::npos);
  EXPECT_NE(Answer(fleet, "show 0").find("boots=1"), std::string::npos);
  Answer(fleet, "run 1 /system identity set name=other");
  Answer(fleet, "restore 0 1");
  EXPECT_NE(Name(fleet).find("name=other"), std::string::npos);
  EXPECT_NE(Answer(fleet, "show 0").find("boots=2"), std::string::npos);
  EXPECT_EQ(Answer(fleet, "restore 0 0"), "no such router to copy from\n");
}

TEST(FleetTest, NetinstallLeavesNothingButTheBoard) {
  OkTransport transport;
  Fleet fleet(OptionsOf(1, kLine), &transport);
  Settle(fleet, transport);
  const std::string before = Answer(fleet, "show 0");
  Answer(fleet, "netinstall 0 7.22.3");
  EXPECT_EQ(Answer(fleet, "dump 0 /system/scheduler"), "");
  const std::string after = Answer(fleet, "show 0");
  EXPECT_NE(after.find("version=7.22.3"), std::string::npos);
  const size_t serial = before.find("serial=");
  EXPECT_NE(after.find(before.substr(serial, before.find(' ', serial) - serial)),
            std::string::npos);
  Answer(fleet, "paste 0");
  EXPECT_TRUE(Eventually(fleet, [&] {
    return Answer(fleet, "dump 0 /system/scheduler").find("name=beat") != std::string::npos;
  }));
}

TEST(FleetTest, WithoutItsOwnerNoEntryStarts) {
  OkTransport transport;
  Fleet fleet(OptionsOf(1, kLine), &transport);
  Settle(fleet, transport);
  Answer(fleet, "remove-owner 0");
  EXPECT_TRUE(Eventually(fleet, [&] { return fleet.Counts().script_errors > 3; }));
}

TEST(FleetTest, ALinkThatIsDownCarriesNothingUntilItIsUp) {
  OkTransport transport;
  Fleet fleet(OptionsOf(1, kLine), &transport);
  Settle(fleet, transport);
  Answer(fleet, "down 0");
  const int64_t failed = fleet.Counts().failed_fetches;
  EXPECT_TRUE(Eventually(fleet, [&] { return fleet.Counts().failed_fetches > failed + 2; }));
  Answer(fleet, "up 0");
  const int fetches = transport.fetches;
  EXPECT_TRUE(Eventually(fleet, [&] { return transport.fetches > fetches + 2; }));
}

TEST(FleetTest, ASlowLinkDelaysEachReplyInTheRoutersTime) {
  OkTransport transport;
  FleetOptions options = OptionsOf(1, ":put 1");
  options.speed = 200;
  Fleet fleet(options, &transport);
  fleet.Start();
  ASSERT_TRUE(Eventually(fleet, [&] { return Answer(fleet, "run 0 :put 7") == "7\r\n\n"; }));
  Answer(fleet, "slow 0 20");
  const std::string answer =
      Answer(fleet,
             "run 0 :local a [/system resource get uptime]; /tool fetch url=\"https://e/b\" "
             "output=none as-value; :put ([/system resource get uptime] - $a >= 20s)");
  EXPECT_EQ(answer, "true\r\n\n");
}

TEST(FleetTest, RepliesAreLostAndCutOnDemand) {
  OkTransport transport;
  Fleet fleet(OptionsOf(1, ":put 1"), &transport);
  fleet.Start();
  ASSERT_TRUE(Eventually(fleet, [&] { return Answer(fleet, "run 0 :put 7") == "7\r\n\n"; }));
  constexpr char kFetch[] =
      "run 0 :put ([/tool fetch url=\"https://e/b\" output=user as-value]->\"data\")";
  EXPECT_EQ(Answer(fleet, kFetch), "ok\r\n\n");
  Answer(fleet, "lose 0 1 /b");
  EXPECT_NE(Answer(fleet, kFetch).find("failure"), std::string::npos);
  Answer(fleet, "cut 0 1 /b");
  EXPECT_EQ(Answer(fleet, kFetch), "o\r\n\n");
  Answer(fleet, "break 0 1");
  EXPECT_NE(Answer(fleet, kFetch).find("failure"), std::string::npos);
  EXPECT_EQ(Answer(fleet, kFetch), "ok\r\n\n");
  EXPECT_EQ(Answer(fleet, "cut 0 x"), "a number, please\n");
}

TEST(FleetTest, NamesUnknownBehaviours) {
  EXPECT_TRUE(CheckBehaviours({"reboot-any", "short-circuit"}).ok());
  EXPECT_FALSE(CheckBehaviours({"no-such"}).ok());
}

}  // namespace
}  // namespace muster::simulator
