#include "routeros/script/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "routeros/script/quoting.h"

namespace muster::routeros {
namespace {

using testing::HasSubstr;
using testing::Not;

const char kRoot[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const char kClaim[] = "0123456789abcdef0123456789abcdef";
const Family kFamilies[] = {Family::k6_49, Family::k7_1, Family::k7_11, Family::k7_13,
                            Family::k7_17};

InstallerTerms Terms() {
  return {"https://edge.example.net:8443", kRoot, kClaim, false, Profile::kNormal, {}, ""};
}

AgentTerms Agent() {
  AgentTerms terms;
  terms.urls = {"https://edge.example.net:8443"};
  terms.root_sha256 = kRoot;
  return terms;
}

TEST(AgentTest, KeepsTheBootstrapLineToOneLineOfThousandCharacters) {
  const auto line = RenderBootstrapLine({"https://edge.example.net:8443", kRoot, kClaim});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_LE(line->size(), kLongestBootstrapLine);
  EXPECT_EQ(line->find('\n'), std::string::npos);
  EXPECT_EQ(line->find('?'), std::string::npos);
  for (const char c : *line) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST(AgentTest, LeavesRoomForHostNamesOfEightyCharacters) {
  const std::string url = absl::StrCat("https://", std::string(80, 'h'), ":65535");
  EXPECT_TRUE(RenderBootstrapLine({url, kRoot, kClaim}).ok());
}

TEST(AgentTest, RefusesAHostNameThatMakesTheLineTooLong) {
  const std::string url = absl::StrCat("https://", std::string(300, 'h'));
  EXPECT_EQ(RenderBootstrapLine({url, kRoot, kClaim}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AgentTest, KeepsTheLineThatWaitsWithinTheSameLimit) {
  const std::string url = absl::StrCat("https://", std::string(64, 'h'), ":65535");
  const auto line = RenderBootstrapLine({url, kRoot, kClaim, absl::Hours(6)});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_LE(line->size(), kLongestBootstrapLine);
  EXPECT_EQ(line->find('\n'), std::string::npos);
  EXPECT_EQ(line->find('?'), std::string::npos);
  EXPECT_EQ(line->find('@'), std::string::npos);
}

// A prime, so that boards whose addresses have equal steps don't meet.
TEST(AgentTest, SpreadsOverTheLargestPrimeThatFits) {
  const auto wait = [](absl::Duration spread) {
    const std::string line =
        RenderBootstrapLine({"https://e.example", kRoot, kClaim, spread}).value_or("");
    const size_t at = line.find("]\"]*");
    return at == std::string::npos ? "" : line.substr(at + 4, line.find('}', at) - at - 4);
  };
  EXPECT_EQ(wait(absl::Seconds(10)), "2)%7)");
  EXPECT_EQ(wait(absl::Minutes(30)), "513)%1789)");
  EXPECT_EQ(wait(absl::Hours(6)), "6201)%21599)");
}

TEST(AgentTest, RefusesASpreadThatTheLineCanNotKeep) {
  for (const absl::Duration spread : {absl::Seconds(9), absl::Hours(7), -absl::Seconds(20)}) {
    EXPECT_EQ(RenderBootstrapLine({"https://e.example", kRoot, kClaim, spread}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << spread;
  }
}

TEST(AgentTest, NamesTheClaimOnlyInTheHeader) {
  const auto line = RenderBootstrapLine({"https://e.example", kRoot, kClaim});
  ASSERT_TRUE(line.ok());
  EXPECT_THAT(*line, HasSubstr(absl::StrCat("http-header-field=\"Authorization:Claim ", kClaim)));
  EXPECT_EQ(line->find(kClaim), line->rfind(kClaim));
}

TEST(AgentTest, RefusesTermsThatCouldLeaveTheirPlaceInAScript) {
  for (const char* url :
       {"http://e.example", "https://", "https://e/", "https://e.example:", "https://e:0",
        "https://e:99999", "https://e\"x", "https://e$x", "https://e;x", "https://e x",
        "https://[::1", "https://[]", "https://e?x", "https://user@e", "https://e:1:2", ""}) {
    EXPECT_FALSE(RenderBootstrapLine({url, kRoot, kClaim}).ok()) << url;
  }
  EXPECT_FALSE(RenderBootstrapLine({"https://e", "ab", kClaim}).ok());
  EXPECT_FALSE(RenderBootstrapLine({"https://e", kRoot, "0123"}).ok());
  EXPECT_TRUE(RenderBootstrapLine({"https://[2001:db8::1]:443", kRoot, kClaim}).ok());
}

TEST(AgentTest, RefusesVersionsThatAreTooOldForAnInstaller) {
  EXPECT_EQ(RenderInstaller(Terms(), *ParseVersion("6.40")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AgentTest, LeavesNoPlaceholderInAnyText) {
  for (const Family family : kFamilies) {
    EXPECT_THAT(*RenderAgent(Agent(), family), Not(HasSubstr("@")));
  }
  EXPECT_THAT(*RenderRunner(Agent()), Not(HasSubstr("@")));
  EXPECT_THAT(*RenderBeat(Agent()), Not(HasSubstr("@")));
  for (const char* version : {"6.49.10", "7.8", "7.12.2", "7.15.3", "7.20.8"}) {
    EXPECT_THAT(*RenderInstaller(Terms(), *ParseVersion(version)), Not(HasSubstr("@")));
  }
}

TEST(AgentTest, InstallsTheSameBeatOnEveryVersion) {
  const std::string beat = QuoteSource(*RenderBeat(Agent()));
  for (const char* version : {"6.49.10", "7.8", "7.12.2", "7.15.3", "7.20.8"}) {
    EXPECT_THAT(*RenderInstaller(Terms(), *ParseVersion(version)), HasSubstr(beat)) << version;
  }
}

TEST(AgentTest, GivesMonitorOnlyNeitherRunnerNorWritePolicy) {
  InstallerTerms terms = Terms();
  terms.monitor_only = true;
  const std::string installer = *RenderInstaller(terms, *ParseVersion("7.20.8"));
  EXPECT_THAT(installer, HasSubstr("policy=read,test,ftp,sensitive "));
  EXPECT_THAT(installer, Not(HasSubstr("add name=\"muster-run\"")));
  AgentTerms agent = Agent();
  agent.monitor_only = true;
  EXPECT_THAT(*RenderBeat(agent), Not(HasSubstr("muster-run")));
  EXPECT_THAT(*RenderBeat(agent), Not(HasSubstr("muster-state")));
  for (const char* verb : {"\"J\"", "\"L\"", "\"K\"", "\"U\""}) {
    EXPECT_THAT(*RenderBeat(agent), Not(HasSubstr(verb)));
  }
  EXPECT_FALSE(RenderAgent(agent, Family::k7_17).ok());
}

}  // namespace
}  // namespace muster::routeros
