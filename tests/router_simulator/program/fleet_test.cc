#include "tests/router_simulator/program/fleet.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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

template <typename Condition>
bool Eventually(Condition condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

TEST(FleetTest, EveryRouterRunsTheLineAndItsScheduler) {
  OkTransport transport;
  Fleet fleet(OptionsOf(20, kLine), &transport);
  fleet.Start();
  EXPECT_TRUE(Eventually([&] { return transport.fetches > 100; }));
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
  ASSERT_TRUE(Eventually([&] { return Answer(fleet, "run 0 :put 7") == "7\r\n\n"; }));
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
  EXPECT_TRUE(Eventually([&] { return fleet.Counts().load_errors == 3; }));
}

TEST(FleetTest, NamesUnknownBehaviours) {
  EXPECT_TRUE(CheckBehaviours({"reboot-any", "short-circuit"}).ok());
  EXPECT_FALSE(CheckBehaviours({"no-such"}).ok());
}

}  // namespace
}  // namespace muster::simulator
