// The verbs beside J, profiles, several URLs, rights.
#include <gmock/gmock.h>

#include "routeros/script/agent.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kFirst = 1'763'805'433'000'000;

class AgentVerbsTest : public AgentTestBase {
 protected:
  std::string Script(size_t bytes) {
    std::string script = ":put begin\n";
    while (script.size() + 52 < bytes) script += "# a line that only fills the script up\n";
    while (script.size() + 10 < bytes) script += "\n";
    return script + ":put end\n";
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, AgentVerbsTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentVerbsTest, LeavesOutBeatsForAsLongAsItIsTold) {
  Join();
  edge().raw_replies.push_back("W240");
  router().RunFor(absl::Seconds(31));
  edge().beats.clear();
  router().RunFor(absl::Seconds(235));
  EXPECT_EQ(edge().beats.size(), 0u);
  router().RunFor(absl::Seconds(65));
  ASSERT_GE(edge().beats.size(), 1u);
  EXPECT_EQ(edge().beats.front().skipped_beats.value_or(0), 7u);
  edge().raw_replies.push_back("W3600");
  router().RunFor(absl::Seconds(40));
  router().Reboot(simulator::PowerDown::kClean);
  edge().beats.clear();
  router().RunFor(absl::Seconds(65));
  EXPECT_GE(edge().beats.size(), 1u) << "a start ends it";
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, BeatsFastAndStartsJobsAtOnce) {
  Join();
  edge().raw_replies.push_back("F60");
  router().RunFor(absl::Seconds(31));
  edge().beats.clear();
  router().RunFor(absl::Seconds(20));
  EXPECT_GE(edge().beats.size(), 8u);
  edge().Queue(kFirst, ":put 1");
  router().RunFor(absl::Seconds(4));
  EXPECT_NE(edge().Result(kFirst), nullptr) << world_.Errors();
  router().RunFor(absl::Seconds(60));
  edge().beats.clear();
  router().RunFor(absl::Seconds(120));
  EXPECT_LE(edge().beats.size(), 5u) << "back to every 30 s";
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, StopsTheJobThatItIsTold) {
  Join();
  edge().Queue(kFirst, ":delay 1h\n/system note set note=late");
  router().RunFor(absl::Seconds(35));
  edge().raw_replies.push_back(routeros::StopReply(kFirst + 1));
  router().RunFor(absl::Seconds(35));
  EXPECT_EQ(edge().Result(kFirst), nullptr) << "another number";
  EXPECT_EQ(edge().beats.back().running_number, kFirst);
  edge().raw_replies.push_back(routeros::StopReply(kFirst));
  const auto* result = world_.Await(kFirst, absl::Minutes(2));
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kFailed);
  EXPECT_EQ(result->error, "stopped");
  edge().Queue(kFirst + 2, ":put next");
  ASSERT_NE(world_.Await(kFirst + 2, absl::Minutes(2)), nullptr) << world_.Errors();
  router().RunFor(absl::Hours(2));
  EXPECT_EQ(router().Show("/system/note", "", "note"), "");
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, FallsSilentWhenItIsReleased) {
  Join();
  edge().raw_replies.push_back(std::string(routeros::kReleasedReply));
  router().RunFor(absl::Seconds(35));
  edge().attempts = 0;
  router().RunFor(absl::Hours(3));
  EXPECT_EQ(edge().attempts, 0);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, RunsAScriptOf64KiBThatComesInParts) {
  Join();
  const std::string script = Script(routeros::kLargestScriptInParts);
  ASSERT_LE(script.size(), routeros::kLargestScriptInParts);
  ASSERT_GE(script.size(), routeros::kLargestScriptInParts - 50);
  edge().Queue(kFirst, script);
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  if (ReturnsOutput()) {
    EXPECT_THAT(result->output, HasSubstr("end"));
  }
  EXPECT_GE(edge().part_fetches, 3);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, TakesNoPartThatWasChanged) {
  Join();
  edge().always_in_parts = true;
  const std::string script = "/system note set note=changed\n" + Script(3000);
  uint64_t number = kFirst;
  for (const size_t at : {size_t{1}, size_t{20}, size_t{25}, size_t{60}, size_t{400}}) {
    edge().change_part = [at](std::string text) {
      text[at] = text[at] == '3' ? '4' : '3';
      return text;
    };
    edge().Queue(++number, script);
    const auto* result = world_.Await(number, absl::Minutes(5));
    ASSERT_NE(result, nullptr) << at << world_.Errors();
    EXPECT_EQ(result->status, routeros::ResultStatus::kRefused) << at;
    EXPECT_THAT(result->error, HasSubstr("part 1")) << at;
    EXPECT_LT(edge().beats.back().last_number, number) << "no number is stored for it";
  }
  edge().change_part = [](std::string text) { return text.substr(0, text.size() / 2); };
  edge().Queue(++number, script);
  ASSERT_NE(world_.Await(number, absl::Minutes(5)), nullptr);
  EXPECT_EQ(router().Show("/system/note", "", "note"), "");
  int failures = 2;
  edge().change_part = [&](std::string text) { return failures-- > 0 ? "P" : text; };
  edge().Queue(++number, script);
  const auto* result = world_.Await(number, absl::Minutes(5));
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  EXPECT_EQ(router().Show("/system/note", "", "note"), "changed");
}

TEST_P(AgentVerbsTest, SaysLittleOnAMeteredLink) {
  edge().profile = routeros::Profile::kMetered;
  Join();
  EXPECT_TRUE(edge().beats.back().has_facts) << "once after a start";
  edge().beats.clear();
  edge().beat_bodies.clear();
  router().RunFor(absl::Hours(1));
  EXPECT_NEAR(edge().beats.size(), 12, 1);
  edge().Queue(kFirst, ":delay 11m");
  router().RunFor(absl::Minutes(30));
  EXPECT_EQ(edge().results.size(), 1u) << world_.Errors();
  for (const std::string& body : edge().beat_bodies) {
    EXPECT_LE(body.size(), 150u) << body;
    EXPECT_THAT(body, HasSubstr("\"last\""));
  }
  EXPECT_FALSE(edge().beats.back().boot.empty());
  EXPECT_EQ(world_.Errors(), "");
}

// fetch has an idle timeout from 7.15 on, of 10 s unless told otherwise.
TEST_P(AgentVerbsTest, OnlySlowRoutersWaitLongerForTheNextByte) {
  if (!world_.options.version.AtLeast(7, 15)) GTEST_SKIP() << "no idle timeout";
  Join();
  EXPECT_EQ(edge().beat_patience.back(), absl::Seconds(10));
  edge().profile = routeros::Profile::kSlow;
  ASSERT_TRUE(world_.Join().ok);
  EXPECT_EQ(edge().beat_patience.back(), absl::Seconds(30));
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, BeatsEveryMinuteOnASlowLink) {
  edge().profile = routeros::Profile::kSlow;
  Join();
  edge().beats.clear();
  router().RunFor(absl::Minutes(10));
  EXPECT_NEAR(edge().beats.size(), 10, 1);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, StaysWithTheUrlThatWorks) {
  edge().urls = {"https://edge.example.net:8443", "https://second.example.net"};
  Join();
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(edge().beat_hosts.back(), "edge.example.net");
  edge().dead_hosts = {"edge.example.net"};
  edge().beats.clear();
  router().RunFor(absl::Minutes(3));
  EXPECT_GE(edge().beats.size(), 4u);
  EXPECT_EQ(edge().beat_hosts.back(), "second.example.net");
  edge().dead_hosts.clear();
  edge().beat_hosts.clear();
  router().RunFor(absl::Minutes(5));
  for (const std::string& host : edge().beat_hosts) EXPECT_EQ(host, "second.example.net");
  edge().dead_hosts = {"second.example.net"};
  edge().Queue(kFirst, ":put 1");
  ASSERT_NE(world_.Await(kFirst, absl::Minutes(3)), nullptr) << world_.Errors();
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentVerbsTest, SaysWhatItsOwnerLost) {
  Join();
  EXPECT_THAT(edge().beats.back().facts.rights, Not(HasSubstr("no-")));
  ASSERT_TRUE(router()
                  .Run("/user group add name=few policy=ftp,read,write,policy,test,password,sniff,"
                       "sensitive; /user set admin group=few")
                  .ok);
  router().RunFor(absl::Minutes(12));
  EXPECT_THAT(edge().beats.back().facts.rights, HasSubstr(",no-reboot"));
  EXPECT_THAT(edge().beats.back().facts.rights, Not(HasSubstr("no-read")));
}

TEST_P(AgentVerbsTest, SaysThatItsOwnerIsGoneWhereEntriesRunOnWithoutOne) {
  world_.options.quirks.ownerless_entries_run = true;
  Join();
  ASSERT_TRUE(router().Run("/user add name=other group=full; /user remove admin").ok);
  router().RunFor(absl::Minutes(12));
  EXPECT_THAT(edge().beats.back().facts.rights, HasSubstr(",no-owner"));
}

TEST_P(AgentVerbsTest, WritesItsDnsEntryOnceAndOnlyWhereItIsAskedFor) {
  Join();
  EXPECT_FALSE(world_.HasRow("/ip/dns/static", "comment", "Muster agent"));
  edge().dns_address = "192.0.2.77";
  ASSERT_TRUE(world_.Join().ok);
  ASSERT_TRUE(world_.Join().ok);
  EXPECT_TRUE(world_.HasRow("/ip/dns/static", "address", "192.0.2.77"));
  EXPECT_EQ(router().Rows(*router().tree().Menu("/ip/dns/static")).rows.size(), 1u);
}

}  // namespace
}  // namespace muster::golden
