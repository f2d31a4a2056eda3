// Jobs on every family: numbers, sentinels, results that get lost.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "routeros/script/agent.h"
#include "routeros/script/quoting.h"
#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kFirst = 1'763'805'433'000'000;

class AgentJobTest : public AgentTestBase {};

INSTANTIATE_TEST_SUITE_P(Versions, AgentJobTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

TEST_P(AgentJobTest, DrainsAQueueWithinOneRun) {
  Join();
  for (uint64_t i = 0; i < 5; ++i) edge().Queue(kFirst + i, absl::StrCat(":put ", i));
  ASSERT_NE(world_.Await(kFirst, absl::Seconds(45)), nullptr) << world_.Errors();
  router().RunFor(absl::Seconds(10));
  EXPECT_EQ(edge().results.size(), 5u);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentJobTest, GivesOutputThatIsAskedForOnOldVersionsToo) {
  Join();
  edge().Queue(kFirst, ":global musterOut [/system identity get name]");
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->output, "MikroTik");
}

TEST_P(AgentJobTest, PostsAResultAgainUntilItIsTaken) {
  Join();
  edge().refuse_results = 3;
  edge().Queue(kFirst, ":put 1");
  const auto* result = world_.Await(kFirst, absl::Minutes(2));
  ASSERT_NE(result, nullptr) << world_.Errors();
  edge().Queue(kFirst + 1, ":put 2");
  edge().lose_result_replies = 2;
  ASSERT_NE(world_.Await(kFirst + 1, absl::Minutes(2)), nullptr);
  router().RunFor(absl::Minutes(2));
  EXPECT_EQ(edge().results.size(), 2u);
  EXPECT_EQ(edge().lose_result_replies, 0);
  EXPECT_EQ(edge().beats.back().running_number, 0u);
}

TEST_P(AgentJobTest, SaysThatAJobRunsUntilItsResultIsTaken) {
  Join();
  edge().Queue(kFirst, ":delay 70s");
  router().RunFor(absl::Seconds(65));
  EXPECT_EQ(edge().beats.back().running_number, kFirst) << world_.Errors();
  EXPECT_TRUE(edge().beats.back().running_seconds.has_value());
  EXPECT_EQ(edge().beats.back().last_number, kFirst);
  ASSERT_NE(world_.Await(kFirst), nullptr);
}

TEST_P(AgentJobTest, StartsNoNumberTwice) {
  Join();
  edge().Queue(kFirst, "/system note set note=first");
  ASSERT_NE(world_.Await(kFirst), nullptr);
  router().RunFor(absl::Seconds(5));
  for (const uint64_t number : {kFirst, kFirst - 1, uint64_t{1}}) {
    for (const auto format : {routeros::PayloadFormat::kHex, routeros::PayloadFormat::kEscaped}) {
      edge().raw_replies.push_back(
          routeros::JobReply(number, "/system note set note=second", format));
    }
  }
  router().RunFor(absl::Minutes(5));
  EXPECT_TRUE(edge().raw_replies.empty());
  EXPECT_EQ(router().Show("/system/note", "", "note"), "first");
  EXPECT_EQ(edge().results.size(), 1u);
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentJobTest, TakesNoReplyThatWasCutOrIsNoJob) {
  Join();
  const auto format = world_.options.version.AtLeast(7, 11) ? routeros::PayloadFormat::kHex
                                                            : routeros::PayloadFormat::kEscaped;
  const std::string whole = routeros::JobReply(kFirst, "/system note set note=cut", format);
  for (const size_t length : {size_t{1}, size_t{5}, whole.size() / 2, whole.size() - 1}) {
    edge().raw_replies.push_back(whole.substr(0, length));
  }
  for (const char* text :
       {"J",   "J.",    "J1.",    "J 1 2 30.", "J5 3 30.", "Jx 2 30.", "J5 x 30.", "W",
        "W30", "W3601", "Wx",     "F",         "F0",       "F301",     "K",        "K5",
        "L",   "L5 10", "L5 x 2", "L5 10 x",   "zzz",      "A5"}) {
    edge().raw_replies.push_back(text);
  }
  router().RunFor(absl::Minutes(14));
  EXPECT_TRUE(edge().raw_replies.empty()) << edge().raw_replies.size();
  EXPECT_TRUE(edge().results.empty());
  EXPECT_EQ(router().Show("/system/note", "", "note"), "");
  EXPECT_EQ(world_.Errors(), "");
}

TEST_P(AgentJobTest, RefusesAJobWhoseNumberItCantKeep) {
  Join();
  ASSERT_TRUE(router().Run("/system scheduler remove [find where name=\"muster-state\"]").ok);
  edge().Queue(kFirst, "/system note set note=ran");
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kRefused);
  EXPECT_EQ(result->error, "cannot persist the number of the job");
  EXPECT_EQ(router().Show("/system/note", "", "note"), "");
}

// A text of the job's own must neither fake nor hide the sentinel.
TEST_P(AgentJobTest, NothingInAJobFakesOrHidesItsEnd) {
  Join();
  using Status = routeros::ResultStatus;
  const struct {
    const char* name;
    std::string script;
    Status status;
  } cases[] = {
      {"return at the top", ":put 1\n:return 5\n:put 2", Status::kOk},
      {"return inside a block", ":if (true) do={ :return \"x\" }", Status::kOk},
      {"error after the text ok", ":put \"ok\"\n:error ok", Status::kFailed},
      {"comment at the end", ":put 1 # no end", Status::kFailed},
      {"comment line at the end", ":put 1\n# the end", Status::kOk},
      {"comment that swallows", ":put 1\n# }", Status::kOk},
      {"trailing backslash", ":put 1\\", Status::kFailed},
      {"stray brace", ":put 1\n}", Status::kFailed},
      {"brace that closes and opens", "}\n:put 1\n{", Status::kFailed},
      {"open quote", ":put \"abc", Status::kFailed},
      {"open bracket", ":put [:len \"x\"", Status::kFailed},
      {"open brace", ":if (true) do={ :put 1", Status::kFailed},
      {"quotes and dollars", ":local a \"\\\"\\\\\\$x\\r\\n\"; :put $a", Status::kOk},
      {"dollar without a name", ":put \"costs 5\\$\"", Status::kOk},
      {"utf-8 in a value", "/system note set note=\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC\"",
       Status::kOk},
      {"carriage returns", ":put 1\r\n:put 2\r\n", Status::kOk},
      {"nothing at all", " ", Status::kOk},
      {"error in a function", ":local f do={ :error \"inner\" }; $f", Status::kFailed},
      {"caught error", ":do { :error x } on-error={}", Status::kOk},
      {"own names", ":local muCode 1; :local muTest 2; :local muWhy 3; :put $muCode", Status::kOk},
  };
  uint64_t number = kFirst;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    edge().Queue(++number, c.script);
    const auto* result = world_.Await(number);
    ASSERT_NE(result, nullptr) << world_.Errors();
    EXPECT_EQ(static_cast<int>(result->status), static_cast<int>(c.status))
        << result->phase << " " << result->error << " " << result->output;
  }
  EXPECT_EQ(edge().problems, std::vector<std::string>{});
}

TEST_P(AgentJobTest, CarriesEveryByteOfAScript) {
  Join();
  std::string text;
  for (int byte = 1; byte < 256; ++byte) text.push_back(static_cast<char>(byte));
  edge().Queue(kFirst, absl::StrCat("/system note set note=", routeros::QuoteString(text)));
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_EQ(result->status, routeros::ResultStatus::kOk) << result->error;
  EXPECT_EQ(router().Show("/system/note", "", "note"), text);
}

TEST_P(AgentJobTest, CutsLongOutputAndSaysSo) {
  if (!ReturnsOutput()) GTEST_SKIP() << "returns no output";
  Join();
  edge().Queue(kFirst, ":for i from=1 to=2000 do={ :put \"line \\\"$i\\\"\" }\n:put end");
  const auto* result = world_.Await(kFirst);
  ASSERT_NE(result, nullptr) << world_.Errors();
  EXPECT_TRUE(result->cut);
  EXPECT_GE(result->output.size(), 5400u);
  EXPECT_THAT(result->output, HasSubstr("line \"2000\""));
  EXPECT_EQ(edge().problems, std::vector<std::string>{});
}

// The reader of programs and the agent agree on what is a whole job.
TEST_P(AgentJobTest, TakesARandomReplyExactlyWhereItIsAWholeJob) {
  Join();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto format = world_.options.version.AtLeast(7, 11) ? routeros::PayloadFormat::kHex
                                                            : routeros::PayloadFormat::kEscaped;
  uint64_t number = kFirst;
  for (int round = 0; round < 30; ++round) {
    number += 10;
    std::string reply = routeros::JobReply(number, absl::StrCat(":put ", round), format);
    const std::string bytes = "J0 9.\\afK\"$\n]}";
    for (size_t changes = random() % 3; changes > 0; --changes) {
      const size_t at = random() % reply.size();
      switch (random() % 3) {
        case 0:
          reply[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          reply.erase(at, 1);
          break;
        default:
          reply.insert(at, 1, bytes[random() % bytes.size()]);
      }
    }
    const auto job = routeros::ReadJobReply(reply);
    const uint64_t before = edge().beats.back().last_number;
    const bool starts = job.ok() && job->number > before && job->number < (uint64_t{1} << 62);
    const size_t results = edge().results.size();
    edge().raw_replies.push_back(reply);
    ASSERT_TRUE(router().Run("/system script run muster-beat\n:delay 3s").ok);
    if (starts) {
      EXPECT_EQ(edge().results.size(), results + 1) << reply;
      EXPECT_EQ(edge().beats.back().last_number, job->number) << reply;
      number = std::max(number, job->number);
    } else if (edge().results.size() > results) {
      // A payload that is no payload fails in phase parse; nothing of it runs.
      EXPECT_NE(static_cast<int>(edge().results.back().status),
                static_cast<int>(routeros::ResultStatus::kOk))
          << reply;
    }
  }
  EXPECT_EQ(edge().problems, std::vector<std::string>{});
}

}  // namespace
}  // namespace muster::golden
