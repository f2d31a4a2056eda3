// The power fails between two statements of the agent, wherever that is: no job starts twice, and
// the router beats again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/golden/agent_fixture.h"

namespace muster::golden {
namespace {

constexpr uint64_t kFirst = 1'763'805'433'000'000;

// MUSTER_LONG meets every statement; else one of so many, beginning at a place of each version's
// own.
int64_t Stride() { return std::getenv("MUSTER_LONG") != nullptr ? 1 : 97; }

class AgentPowerTest : public AgentTestBase {
 protected:
  size_t Runs() { return router().Show("/system/note", "", "note").size(); }

  // Gives the router a job, lets the power fail before the statement after `statements` others, and
  // waits for three beats after that. False where the power didn't fail.
  bool LiveThrough(uint64_t number, int64_t statements) {
    const int boots = router().boots();
    edge().Queue(number, "/system note set note=([/system note get note] . \"x\")");
    router().faults().statements_left = statements;
    for (int i = 0; i < 24 && router().boots() == boots; ++i) router().RunFor(absl::Seconds(5));
    const bool failed = router().boots() > boots;
    router().faults().statements_left = -1;
    const size_t beats = edge().beats.size();
    for (int i = 0; i < 60 && edge().beats.size() <= beats + 2; ++i) {
      router().RunFor(absl::Seconds(5));
    }
    EXPECT_GT(edge().beats.size(), beats + 2) << "dark after " << statements << " statements";
    return failed;
  }
};

TEST_P(AgentPowerTest, StartsNoJobTwiceAndBeatsAgain) {
  Join();
  const int64_t stride = Stride();
  uint64_t number = kFirst;
  int failures = 0;
  for (int64_t statements = static_cast<int64_t>(GetParam().size()) % stride;;
       statements += stride) {
    const size_t before = Runs();
    const bool failed = LiveThrough(++number, statements);
    ASSERT_LE(Runs(), before + 1) << "job ran twice; power lost after " << statements;
    ASSERT_GE(edge().beats.back().last_number, number) << "never started; " << statements;
    ASSERT_FALSE(HasFailure());
    if (!failed) break;
    ++failures;
  }
  EXPECT_GT(failures, 10);
}

// What the flash had not yet taken is gone: a job may start again, which the edge is told, but the
// router must never stay dark.
TEST_P(AgentPowerTest, BeatsAgainWhereTheFlashWasLate) {
  Join();
  router().RunFor(absl::Minutes(2));
  router().SetFlashDelay(absl::Seconds(40));
  const int64_t stride = 2 * Stride();
  uint64_t number = kFirst;
  for (int64_t statements = 5;; statements += stride) {
    const bool failed = LiveThrough(++number, statements);
    ASSERT_FALSE(HasFailure());
    if (!failed) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, AgentPowerTest, testing::ValuesIn(FamilyVersions()),
                         VersionTestName);

}  // namespace
}  // namespace muster::golden
