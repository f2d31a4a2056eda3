#include "server/administration/report_watch.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace muster::server {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(3);

class ReportWatchTest : public testing::Test {
 protected:
  // The node's report as it lies in etcd, by its own clock.
  void Report(uint64_t id, absl::Time by_its_clock) { reports_[id] = by_its_clock; }

  // Whether it is silent, by what lies there now.
  bool IsSilent(uint64_t id) {
    std::vector<NodeView> nodes;
    for (const auto& [node, time] : reports_) {
      nodes.emplace_back();
      nodes.back().id = node;
      nodes.back().report_time = time;
    }
    watch_.Hear(nodes);
    for (const NodeView& node : nodes) {
      if (node.id == id) return node.silent;
    }
    ADD_FAILURE() << "no report of " << id;
    return false;
  }

  // The node lives on for so long, its clock so far ahead of this node's.
  void Live(uint64_t id, absl::Duration time, absl::Duration ahead) {
    for (absl::Duration passed; passed < time; passed += kEvery) {
      clock_.Advance(kEvery);
      Report(id, clock_.Now() + ahead);
      IsSilent(id);
    }
  }

  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  ReportWatch watch_{clock_};
  std::map<uint64_t, absl::Time> reports_;
};

TEST_F(ReportWatchTest, ANodeIsSilentFifteenSecondsAfterItsLastReport) {
  Report(1, clock_.Now());
  EXPECT_FALSE(IsSilent(1));
  Live(1, absl::Minutes(1), absl::ZeroDuration());
  clock_.Advance(kSilentAfter);
  EXPECT_FALSE(IsSilent(1));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(IsSilent(1));
  Report(1, clock_.Now());
  EXPECT_FALSE(IsSilent(1)) << "it is back";
}

TEST_F(ReportWatchTest, ClocksThatAreAnHourApartMakeNobodySilent) {
  for (const absl::Duration ahead : {absl::Hours(1), -absl::Hours(1)}) {
    Report(1, clock_.Now() + ahead);
    Live(1, absl::Minutes(1), ahead);
    EXPECT_FALSE(IsSilent(1)) << ahead;
    clock_.Advance(kSilentAfter + absl::Seconds(1));
    EXPECT_TRUE(IsSilent(1)) << ahead << ": it ends, and an hour's lead keeps nobody alive";
  }
}

TEST_F(ReportWatchTest, AStepOfEitherClockMakesNobodySilent) {
  Report(1, clock_.Now());
  Live(1, absl::Minutes(1), absl::ZeroDuration());
  clock_.JumpTo(clock_.Now() + absl::Hours(5));
  EXPECT_FALSE(IsSilent(1));
  clock_.JumpTo(clock_.Now() - absl::Hours(9));
  EXPECT_FALSE(IsSilent(1));
  clock_.Advance(kEvery);
  Report(1, clock_.Now() - absl::Hours(2));
  EXPECT_FALSE(IsSilent(1)) << "set back over there: another report all the same";
}

TEST_F(ReportWatchTest, RightAfterTheStartTheTimeInTheReportIsBelievedUntilItChanges) {
  Report(1, clock_.Now() - absl::Hours(48));
  Report(2, clock_.Now() - absl::Seconds(2));
  Report(3, clock_.Now() + absl::Hours(1));
  EXPECT_TRUE(IsSilent(1)) << "dead for days";
  EXPECT_FALSE(IsSilent(2));
  EXPECT_TRUE(IsSilent(3)) << "by a clock that can't be believed";
  clock_.Advance(kEvery);
  Report(3, clock_.Now() + absl::Hours(1));
  EXPECT_TRUE(IsSilent(1));
  EXPECT_FALSE(IsSilent(2)) << "not known yet";
  EXPECT_FALSE(IsSilent(3)) << "it has reported since";
  clock_.Advance(kSilentAfter - kEvery + absl::Seconds(1));
  EXPECT_TRUE(IsSilent(2)) << "it died before this node came";
}

TEST_F(ReportWatchTest, ANodeWhoseReportWentAwayIsJudgedAnew) {
  Report(1, clock_.Now());
  Report(2, clock_.Now());
  IsSilent(1);
  reports_.erase(2);
  clock_.Advance(absl::Minutes(1));
  IsSilent(1);
  Report(2, clock_.Now());
  EXPECT_FALSE(IsSilent(2));
  EXPECT_TRUE(IsSilent(1));
}

}  // namespace
}  // namespace muster::server
