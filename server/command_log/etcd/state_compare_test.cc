#include "server/command_log/etcd/state_compare.h"

#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/match.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {
namespace {

using internal::v1::MemberReport;
using Kind = StateVerdict::Kind;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

struct Mark {
  uint64_t index;
  std::string hash;
};

MemberReport Node(uint64_t id, const std::vector<Mark>& marks) {
  MemberReport report;
  report.set_node_id(id);
  report.set_display_name("node-" + std::to_string(id));
  report.set_log_id("log");
  report.set_log_state(std::string(NameOf(LogState::kServing)));
  report.set_time_us(absl::ToUnixMicros(kNow));
  report.set_state_hash_version(1);
  for (const Mark& mark : marks) {
    report.set_log_index(mark.index);
    auto& added = *report.add_state_hashes();
    added.set_log_index(mark.index);
    added.set_hash(mark.hash);
  }
  return report;
}

struct Case {
  std::string name;
  std::vector<MemberReport> nodes;
  // Of the first of them, and at which entry.
  Kind kind;
  uint64_t index = 0;
};

class CompareStatesTest : public testing::TestWithParam<Case> {};

TEST_P(CompareStatesTest, GivesTheVerdict) {
  const Case& c = GetParam();
  const StateVerdict verdict = CompareStates(c.nodes[0], c.nodes, kNow);
  EXPECT_EQ(verdict.kind, c.kind) << verdict.reason;
  EXPECT_EQ(verdict.index, c.index);
  EXPECT_EQ(verdict.reason.empty(), c.kind == Kind::kNothing || c.kind == Kind::kAgrees);
}

MemberReport With(MemberReport report, const std::function<void(MemberReport&)>& change) {
  change(report);
  return report;
}

INSTANTIATE_TEST_SUITE_P(
    All, CompareStatesTest,
    testing::Values(
        Case{"Alone", {Node(1, {{10, "a"}})}, Kind::kNothing},
        Case{"NoHashYet", {Node(1, {}), Node(2, {{10, "a"}})}, Kind::kNothing},
        Case{"NothingInCommon", {Node(1, {{20, "a"}}), Node(2, {{10, "b"}})}, Kind::kNothing},
        Case{"Equal", {Node(1, {{10, "a"}}), Node(2, {{10, "a"}})}, Kind::kAgrees, 10},
        Case{"EqualWhereBothAre",
             {Node(1, {{10, "a"}, {20, "b"}, {30, "c"}}), Node(2, {{10, "a"}, {20, "b"}})},
             Kind::kAgrees,
             20},
        Case{"TwoDiffer", {Node(1, {{10, "a"}}), Node(2, {{10, "b"}})}, Kind::kUndecided, 10},
        Case{"TwoDifferedOnceAlthoughTheyAgreeAgain",
             {Node(1, {{10, "a"}, {20, "c"}}), Node(2, {{10, "b"}, {20, "c"}})},
             Kind::kUndecided,
             10},
        Case{"OneOfThree",
             {Node(1, {{10, "x"}}), Node(2, {{10, "a"}}), Node(3, {{10, "a"}})},
             Kind::kMinority,
             10},
        Case{"TwoOfThree",
             {Node(1, {{10, "a"}}), Node(2, {{10, "x"}}), Node(3, {{10, "a"}})},
             Kind::kMajority,
             10},
        Case{"ThreeOfThreeDiffer",
             {Node(1, {{10, "a"}}), Node(2, {{10, "b"}}), Node(3, {{10, "c"}})},
             Kind::kUndecided,
             10},
        Case{"TwoAndTwo",
             {Node(1, {{10, "a"}}), Node(2, {{10, "b"}}), Node(3, {{10, "a"}}),
              Node(4, {{10, "b"}})},
             Kind::kUndecided,
             10},
        Case{"TwoOfFiveAgainstThree",
             {Node(1, {{10, "a"}}), Node(2, {{10, "a"}}), Node(3, {{10, "b"}}),
              Node(4, {{10, "b"}}), Node(5, {{10, "b"}})},
             Kind::kMinority,
             10},
        Case{"TheThirdIsABitBehindAndWillDecide",
             {Node(1, {{10, "a"}, {20, "b"}}), Node(2, {{10, "a"}, {20, "x"}}),
              Node(3, {{10, "a"}})},
             Kind::kNothing},
        Case{"TheThirdIsSilentAndWillNotDecide",
             {Node(1, {{20, "b"}}), Node(2, {{20, "x"}}),
              With(Node(3, {{10, "a"}}),
                   [](MemberReport& report) {
                     report.set_time_us(absl::ToUnixMicros(kNow - absl::Minutes(1)));
                   })},
             Kind::kUndecided,
             20},
        Case{"TheThirdCanNotComeSoFar",
             {Node(1, {{20, "b"}}), Node(2, {{20, "x"}}),
              With(Node(3, {{10, "a"}}),
                   [](MemberReport& report) { report.set_log_state("needs snapshot"); })},
             Kind::kUndecided,
             20},
        Case{"AnOlderEntryHasMoreVotes",
             {Node(1, {{10, "x"}, {20, "y"}}), Node(2, {{10, "a"}, {20, "b"}}),
              Node(3, {{10, "a"}})},
             Kind::kMinority,
             10},
        Case{"OfAnotherLog",
             {Node(1, {{10, "a"}}),
              With(Node(2, {{10, "b"}}), [](MemberReport& report) { report.set_log_id("old"); })},
             Kind::kNothing},
        Case{"OfAnotherVersion",
             {Node(1, {{10, "a"}}),
              With(Node(2, {{10, "b"}}),
                   [](MemberReport& report) { report.set_state_hash_version(2); })},
             Kind::kNothing},
        Case{"ItsOwnOlderReportIsNoVote",
             {Node(1, {{10, "a"}}), Node(1, {{10, "b"}})},
             Kind::kNothing}),
    [](const testing::TestParamInfo<Case>& param) { return param.param.name; });

TEST(CompareStatesReasonTest, TheOthersGoOnAgreeingWhileTheReportOfOneThatStoppedIsThere) {
  const MemberReport own = Node(1, {{10, "a"}, {20, "b"}});
  const StateVerdict verdict =
      CompareStates(own, {Node(2, {{10, "x"}}), Node(3, {{10, "a"}, {20, "b"}})}, kNow);
  EXPECT_EQ(verdict.kind, Kind::kMajority);
  EXPECT_EQ(verdict.index, 10u);
  EXPECT_EQ(verdict.agreed_index, 20u);
}

TEST(CompareStatesReasonTest, NamesEveryNodeWithItsHash) {
  const StateVerdict verdict =
      CompareStates(Node(1, {{10, "\x01\x02\x03\x04\x05"}}), {Node(2, {{10, "\xff"}})}, kNow);
  EXPECT_TRUE(absl::StrContains(verdict.reason, "entry 10"));
  EXPECT_TRUE(absl::StrContains(verdict.reason, "node-1 () 01020304"));
  EXPECT_TRUE(absl::StrContains(verdict.reason, "node-2 () ff"));
}

}  // namespace
}  // namespace muster::server
