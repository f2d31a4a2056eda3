#include "tests/router_simulator/router.h"

#include <memory>

#include "gtest/gtest.h"
#include "tests/router_simulator/fake_http_transport.h"

namespace muster::simulator {
namespace {

RouterOptions OptionsFor(absl::string_view version) {
  RouterOptions options;
  options.version = *ParseRouterVersion(version);
  return options;
}

std::string Output(Router& router, absl::string_view text) {
  const RunResult result = router.Run(text);
  if (!result.ok) return "ERROR " + result.error;
  std::string out = result.output;
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  return out;
}

TEST(RouterTest, RunsAScriptAndShowsWhatItPuts) {
  Router router(OptionsFor("7.20.8"));
  EXPECT_EQ(Output(router, ":local a 5; :put ($a + 1)"), "6");
}

TEST(RouterTest, FindsRowsOfTheCommandsOwnMenuInBrackets) {
  Router router(OptionsFor("7.20.8"));
  EXPECT_EQ(Output(router,
                   "/ip address add address=10.0.0.1/24 interface=ether1\n"
                   "/ip address set [find interface=ether1] comment=\"lan\"\n"
                   ":put [/ip address get [find comment=\"lan\"] address]"),
            "10.0.0.1/24");
}

TEST(RouterTest, TakesAnInterfaceByNameAndById) {
  Router router(OptionsFor("7.20.8"));
  EXPECT_EQ(Output(router,
                   "/ip address add address=10.0.0.1/24 "
                   "interface=[/interface find where name=ether2]\n"
                   ":put [/ip address get [find] interface]"),
            "ether2");
}

TEST(RouterTest, ExportsWhatDiffersAndImportsItAgain) {
  for (const char* version : {"6.49.10", "7.12.2", "7.20.8"}) {
    Router router(OptionsFor(version));
    Output(router,
           "/ip address add address=10.0.0.1/24 interface=ether1 comment=\"a \\\"b\\\"\"\n"
           "/system script add name=s source=\":put \\\"x\\\\n\\$y\\\"\\r\\nline\"\n"
           "/system identity set name=\"r 1\"\n/interface set ether2 comment=up");
    const std::string text = router.Export("", true);
    EXPECT_NE(text.find("set name=\"r 1\""), std::string::npos) << text;
    Router copy(OptionsFor(version));
    const RunResult result = copy.Run(text);
    EXPECT_TRUE(result.ok) << result.error << "\n" << text;
    EXPECT_EQ(copy.Export("", true), text);
    EXPECT_NE(Output(router, "/export").find("by RouterOS"), std::string::npos);
  }
}

TEST(RouterTest, RefusesAnUnknownCommandBeforeAnythingRuns) {
  Router router(OptionsFor("7.20.8"));
  const RunResult result = router.Run("/system identity set name=changed\n:nonsense 5");
  EXPECT_FALSE(result.loaded);
  EXPECT_EQ(router.Show("/system/identity", "", "name"), "MikroTik");
  EXPECT_NE(result.error.find("line 2 column 1"), std::string::npos) << result.error;
}

TEST(RouterTest, KeepsConfigurationOverARebootAndForgetsGlobals) {
  Router router(OptionsFor("6.49.10"));
  Output(router, ":global g 5; /system identity set name=r1");
  router.Reboot(PowerDown::kClean);
  EXPECT_EQ(router.Show("/system/identity", "", "name"), "r1");
  EXPECT_EQ(Output(router, ":global g; :put [:typeof $g]"), "nothing");
}

TEST(RouterTest, TakesBackWhatTheFlashHadNotYetTaken) {
  RouterOptions options = OptionsFor("7.20.8");
  options.flash_delay = absl::Seconds(40);
  Router router(std::move(options));
  Output(router, "/system identity set name=early");
  router.RunFor(absl::Minutes(2));
  Output(router, "/system identity set name=late");
  router.RunFor(absl::Seconds(10));
  router.Reboot(PowerDown::kPowerLoss);
  EXPECT_EQ(router.Show("/system/identity", "", "name"), "early");
}

TEST(RouterTest, FiresTheSchedulerOneIntervalAfterTheStart) {
  Router router(OptionsFor("7.12.2"));
  Output(router,
         "/system script add name=count source=\":global n; :set n (\\$n + 1)\"\n"
         ":global n 0\n"
         "/system scheduler add name=tick interval=30s start-time=startup "
         "on-event=\"/system script run count\"");
  router.RunFor(absl::Seconds(29));
  EXPECT_EQ(Output(router, ":global n; :put $n"), "0");
  router.RunFor(absl::Seconds(62));
  EXPECT_EQ(Output(router, ":global n; :put $n"), "3");
}

TEST(RouterTest, RefusesAScriptWithMoreRightsThanItsCaller) {
  Router router(OptionsFor("7.20.8"));
  Output(router,
         "/system script add name=strong policy=read,write source=\":put 1\"\n"
         "/system scheduler add name=weak interval=10s policy=read "
         "on-event=\"/system script run strong\"");
  router.RunFor(absl::Seconds(11));
  ASSERT_FALSE(router.log().empty());
  EXPECT_NE(router.log().back().message.find("not enough permissions (9)"), std::string::npos);
}

TEST(RouterTest, RunsABackgroundJobWhileOthersGoOn) {
  Router router(OptionsFor("7.20.8"));
  Output(router, ":global j [:execute script=\":delay 60s\"]");
  router.RunFor(absl::Seconds(1));
  EXPECT_EQ(Output(router, ":global j; :put [:len [/system script job find where .id=$j]]"), "1");
  Output(router, ":global j; /system script job remove $j");
  EXPECT_EQ(Output(router, ":global j; :put [:len [/system script job find where .id=$j]]"), "0");
}

TEST(RouterTest, GivesTheDataOfAFetch) {
  FakeHttpTransport network([](const HttpRequest&) { return FakeHttpTransport::Ok("hello"); });
  RouterOptions options = OptionsFor("7.15.3");
  options.transport = &network;
  Router router(std::move(options));
  EXPECT_EQ(Output(router,
                   ":put ([/tool fetch url=\"https://edge.example/x\" http-method=post "
                   "http-header-field=\"A:1,B:2\" http-data=\"body\" output=user "
                   "as-value]->\"data\")"),
            "hello");
  ASSERT_EQ(network.requests.size(), 1u);
  EXPECT_EQ(network.requests[0].method, "POST");
  EXPECT_EQ(network.requests[0].headers[1].first, "B");
}

}  // namespace
}  // namespace muster::simulator
