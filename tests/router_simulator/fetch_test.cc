// `/tool fetch`: what comes back, what is cut, what raises and what is logged.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/router_simulator/fake_http_transport.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

class FetchTest : public testing::Test {
 protected:
  Router& Make(absl::string_view version) {
    RouterOptions options;
    options.version = *ParseRouterVersion(version);
    options.transport = &network;
    router = std::make_unique<Router>(std::move(options));
    return *router;
  }
  std::string Said(absl::string_view text) {
    const RunResult result = router->Run(text);
    std::string said = result.ok ? result.output : "ERROR " + result.error;
    while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.pop_back();
    return said;
  }
  void Answers(HttpReply reply) {
    network.SetAnswer([reply](const HttpRequest&) { return reply; });
  }

  FakeHttpTransport network;
  std::unique_ptr<Router> router;
};

constexpr char kLength[] =
    ":put [:len ([/tool fetch url=\"https://e/x\" output=user as-value]->\"data\")]";
constexpr char kPlain[] = "/tool fetch url=\"https://e/x\" output=none";

TEST_F(FetchTest, CutsTheBodyAt64512BytesOnV7) {
  Make("7.20.8");
  Answers(FakeHttpTransport::Ok(std::string(70'000, 'x')));
  EXPECT_EQ(Said(kLength), "64512");
}

TEST_F(FetchTest, CutsTheBodyAt4096BytesOnV6) {
  Make("6.49.10");
  Answers(FakeHttpTransport::Ok(std::string(70'000, 'x')));
  EXPECT_EQ(Said(kLength), "4096");
}

TEST_F(FetchTest, RaisesWithTheWordsOfTheVersion) {
  Answers(FakeHttpTransport::Status(404, "Not Found"));
  Make("6.49.10");
  EXPECT_EQ(Said(kPlain), "ERROR failure: closing connection: <404 Not Found> e:443 (4)");
  Make("7.15.3");
  EXPECT_EQ(Said(kPlain), "ERROR failure: Fetch failed with status 404 (/tool/fetch; line 1)");
  Make("7.22.3");
  EXPECT_EQ(Said(kPlain), "ERROR failure: Status 404, NOT FOUND");
}

TEST_F(FetchTest, WritesOneLogLineForEachFailure) {
  Make("7.20.8");
  Answers(FakeHttpTransport::Status(503, "Service Unavailable"));
  Said(std::string(":do { ") + kPlain + " } on-error={}");
  ASSERT_EQ(router->log().size(), 1u);
  EXPECT_NE(router->log()[0].message.find("503"), std::string::npos);
}

TEST_F(FetchTest, TakesEvery2xxAndFrom722A304) {
  Answers(FakeHttpTransport::Status(204, "No Content"));
  Make("6.49.10");
  EXPECT_EQ(Said(kPlain).substr(0, 5), "     ");
  Answers(FakeHttpTransport::Status(304, "Not Modified"));
  Make("7.20.8");
  EXPECT_EQ(Said(kPlain).substr(0, 5), "ERROR");
  Make("7.22.3");
  EXPECT_NE(Said(kPlain).substr(0, 5), "ERROR");
}

TEST_F(FetchTest, SplitsHeadersAtCommas) {
  Make("7.20.8");
  Answers(FakeHttpTransport::Ok("x"));
  Said("/tool fetch url=\"https://e/x\" output=none http-header-field=\"A:1,B:2\\\\,3\"");
  ASSERT_EQ(network.requests.size(), 1u);
  EXPECT_EQ(network.requests[0].headers[0], (std::pair<std::string, std::string>("A", "1")));
  EXPECT_EQ(network.requests[0].headers[1], (std::pair<std::string, std::string>("B", "2,3")));
}

TEST_F(FetchTest, RefusesABodyOver64KiB) {
  Make("7.20.8");
  router->Run("/system script add name=big source=\"\"");
  Row& row = router->config().At("/system/script").rows[0];
  row.values["source"] = Value::String(std::string(70'000, 'x'));
  EXPECT_EQ(Said("/tool fetch url=\"https://e/x\" http-method=post "
                 "http-data=[/system script get big source]")
                .substr(0, 14),
            "ERROR failure:");
  EXPECT_TRUE(network.requests.empty());
}

TEST_F(FetchTest, NeedsPolicyFtpFrom713On) {
  Answers(FakeHttpTransport::Ok("x"));
  for (const auto& [version, refused] :
       {std::pair<const char*, bool>{"7.12.2", false}, {"7.13", true}}) {
    Make(version).mutable_options().admin_policy = kPolicyAll & ~kPolicyFtp;
    EXPECT_EQ(Said(kPlain) == "ERROR not enough permissions (9)", refused) << version;
  }
}

TEST_F(FetchTest, WritesAFileWithoutOutput) {
  Make("6.49.10");
  Answers(FakeHttpTransport::Ok("contents"));
  Said("/tool fetch url=\"https://e/x\" dst-path=got.txt");
  EXPECT_EQ(Said(":put [/file get [find name=got.txt] contents]"), "contents");
}

TEST_F(FetchTest, IsRefusedByDeviceModeHome) {
  Make("7.20.8").mutable_options().device_mode_home = true;
  EXPECT_EQ(Said(kPlain), "ERROR failure: not allowed by device-mode");
  Make("7.15.3").mutable_options().device_mode_home = true;
  Answers(FakeHttpTransport::Ok("x"));
  EXPECT_NE(Said(kPlain).substr(0, 5), "ERROR");
}

TEST_F(FetchTest, GivesTheTransportTheRoutersOwnClock) {
  Make("7.20.8").SetWallClock(absl::FromUnixSeconds(100));
  Answers(FakeHttpTransport::Ok("x"));
  Said(kPlain);
  EXPECT_EQ(network.requests[0].clock, absl::FromUnixSeconds(100));
}

TEST_F(FetchTest, KnowsOnlyTheMethodsOfItsVersion) {
  Answers(FakeHttpTransport::Ok("x"));
  Make("7.12.2");
  EXPECT_EQ(Said("/tool fetch url=\"https://e/x\" http-method=patch"),
            "ERROR invalid value for argument http-method");
  Make("7.14");
  EXPECT_NE(Said("/tool fetch url=\"https://e/x\" http-method=patch").substr(0, 5), "ERROR");
}

}  // namespace
}  // namespace muster::simulator
