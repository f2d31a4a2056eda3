// The agent's own text on simulated routers of each family, with an edge played in memory.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "routeros/script/agent.h"
#include "tests/router_simulator/export.h"
#include "tests/router_simulator/fake_http_transport.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {
namespace {

// A P-256 root and its fingerprint; its key is thrown away.
constexpr absl::string_view kRoot = R"(-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIUD5nIJtuS3Eifys3EKqo/94LYhXgwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQTXVzdGVyIHRlc3Qgcm9vdDAgFw0yNjExMjIxMDM2MzZaGA8y
MTI2MTAyOTEwMzYzNlowGzEZMBcGA1UEAwwQTXVzdGVyIHRlc3Qgcm9vdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABO/cFQwwpR8Wht2pH5cY2aW8ITfcw2F6dMDW
L7ZZfvkmKbTpBmUlP5MSltm/h4nLWTE1K9TwcoGWSCX9AMhB8dSjUzBRMB0GA1Ud
DgQWBBThXU6pdVhSUXenuc85FyJjq3hofjAfBgNVHSMEGDAWgBThXU6pdVhSUXen
uc85FyJjq3hofjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIGnF
ZKjuwuQD1rdhwhATIb8YVlGJbjzrR3diwwE/j4HfAiEAiYD/R+0TkmuO8cO7DlV1
xBUt9NYW+Jv0Q88WyQH4oHM=
-----END CERTIFICATE-----
)";
constexpr absl::string_view kRootFingerprint =
    "bf0b5c9b3c36549225f8447471cf10d999808b99e3763c1f29160ad4be41ebf5";

// Answers as an edge does and remembers what it was sent.
class PlayedEdge {
 public:
  explicit PlayedEdge(absl::string_view version)
      : version_(*routeros::ParseVersion(version)),
        transport([this](const HttpRequest& request) { return Answer(request); }) {}

  HttpReply Answer(const HttpRequest& request) {
    if (request.target == "/ca.pem") return FakeHttpTransport::Ok(std::string(kRoot));
    if (request.check == CertificateCheck::kNo) return FakeHttpTransport::Status(400, "Bad");
    if (request.target.substr(0, 3) == "/b/") {
      routeros::InstallerTerms terms;
      terms.url = "https://edge.example";
      terms.root_sha256 = std::string(kRootFingerprint);
      terms.claim = std::string(32, 'c');
      return FakeHttpTransport::Ok(*routeros::RenderInstaller(terms, version_));
    }
    if (request.target == "/v1/enroll") {
      enrolments.push_back(request.body);
      return FakeHttpTransport::Ok("Tm1.token");
    }
    if (request.target == "/v1/heartbeat") {
      beats.push_back(request.body);
      std::string reply = "0";
      std::swap(reply, next_reply);
      return FakeHttpTransport::Ok(reply);
    }
    if (request.target == "/v1/result") {
      results.push_back(request.body);
      const size_t at = request.body.find("\"n\":") + 4;
      return FakeHttpTransport::Ok(
          absl::StrCat("A", request.body.substr(at, request.body.find(',', at) - at)));
    }
    return FakeHttpTransport::Status(404, "Not Found");
  }

  void GiveJob(uint64_t number, absl::string_view script) {
    const bool hex = version_.major > 7 || (version_.major == 7 && version_.minor >= 11);
    next_reply = routeros::JobReply(
        number, script, hex ? routeros::PayloadFormat::kHex : routeros::PayloadFormat::kEscaped);
  }

 private:
  routeros::Version version_;

 public:
  FakeHttpTransport transport;
  std::string next_reply = "0";
  std::vector<std::string> enrolments, beats, results;
};

class AgentOnRouterTest : public testing::TestWithParam<const char*> {
 protected:
  AgentOnRouterTest() : edge(GetParam()) {
    RouterOptions options;
    options.version = *ParseRouterVersion(GetParam());
    options.transport = &edge.transport;
    router = std::make_unique<Router>(options);
  }

  std::string Join() {
    routeros::BootstrapTerms terms;
    terms.url = "https://edge.example";
    terms.root_sha256 = std::string(kRootFingerprint);
    terms.claim = std::string(32, 'c');
    const RunResult result = router->Run(*routeros::RenderBootstrapLine(terms));
    return result.error + result.output + Errors();
  }
  std::string Errors() {
    std::string text;
    for (const LogLine& line : router->log()) {
      if (line.topics == "script,error") absl::StrAppend(&text, line.message, "\n");
    }
    return text;
  }

  PlayedEdge edge;
  std::unique_ptr<Router> router;
};

TEST_P(AgentOnRouterTest, JoinsFromThePastedLineAndBeats) {
  const std::string said = Join();
  ASSERT_EQ(edge.enrolments.size(), 1u) << said;
  ASSERT_EQ(edge.beats.size(), 1u) << said;
  router->RunFor(absl::Seconds(95));
  EXPECT_EQ(edge.beats.size(), 4u) << Errors();
  EXPECT_EQ(Errors(), "");
  EXPECT_NE(edge.beats.back().find("\"sn\":\"HC0123456789\""), std::string::npos)
      << edge.beats.back();
}

TEST_P(AgentOnRouterTest, RunsAJobOnceAndPostsItsResult) {
  const std::string said = Join();
  edge.GiveJob(7,
               "/ip address add address=10.9.0.1/24 interface=ether2\n"
               "/system note set note=\"done\"\n:put \"hello\"");
  router->RunFor(absl::Seconds(70));
  ASSERT_EQ(edge.results.size(), 1u) << said << Errors();
  EXPECT_NE(edge.results[0].find("\"st\":\"ok\""), std::string::npos) << edge.results[0];
  EXPECT_EQ(router->Show("/system/note", "", "note"), "done");
  EXPECT_EQ(router->Show("/system/scheduler", "muster-state", "comment"), "7");
  edge.GiveJob(7, "/system note set note=\"again\"");
  router->RunFor(absl::Seconds(70));
  EXPECT_EQ(edge.results.size(), 1u);
  EXPECT_EQ(router->Show("/system/note", "", "note"), "done");
}

TEST_P(AgentOnRouterTest, ReportsARuntimeErrorAndASyntaxError) {
  Join();
  edge.GiveJob(8, "/ip address add address=10.9.0.1/24 interface=nowhere");
  router->RunFor(absl::Seconds(70));
  edge.GiveJob(9, ":nonsense {");
  router->RunFor(absl::Seconds(70));
  ASSERT_EQ(edge.results.size(), 2u) << Errors();
  EXPECT_NE(edge.results[0].find("\"st\":\"fail\",\"ph\":\"run\""), std::string::npos)
      << edge.results[0];
  EXPECT_NE(edge.results[1].find("\"st\":\"fail\",\"ph\":\"parse\""), std::string::npos)
      << edge.results[1];
}

INSTANTIATE_TEST_SUITE_P(Versions, AgentOnRouterTest,
                         testing::Values("6.49.10", "7.1", "7.8", "7.12.2", "7.15.3", "7.20.8"));

}  // namespace
}  // namespace muster::simulator
