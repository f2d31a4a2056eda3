#include "server/command_log/etcd/log_marks.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

TEST(LogMarksTest, LetsGoOfWhatIsOlderThanItsAge) {
  LogMarks marks;
  for (int64_t second = 0; second < 100; ++second) marks.Add(10 + second, 5, second * kSecondUs);
  EXPECT_EQ(marks.TakeCut(1'000'000, absl::Seconds(60)), 10 + 38);
  EXPECT_EQ(marks.TakeCut(1'000'000, absl::Seconds(60)), 0) << "a second call cuts nothing more";
}

TEST(LogMarksTest, LetsGoOfWhatIsBeyondItsSizeThoughItIsYoung) {
  LogMarks marks;
  for (int64_t second = 0; second < 100; ++second) marks.Add(10 + second, 5, second * kSecondUs);
  EXPECT_EQ(marks.TakeCut(50, absl::Minutes(10)), 10 + 89);
}

TEST(LogMarksTest, NeverLetsTheLastEntryGo) {
  LogMarks marks;
  marks.Add(10, 1'000'000, 0);
  EXPECT_EQ(marks.TakeCut(1, absl::ZeroDuration()), 0);
}

TEST(LogMarksTest, CutsWithinASecondThatBroughtMuch) {
  LogMarks marks;
  for (int64_t i = 1; i <= 64; ++i) marks.Add(i, 1 << 20, kSecondUs);
  EXPECT_EQ(marks.TakeCut(8 << 20, absl::Minutes(10)), 56);
}

}  // namespace
}  // namespace muster::server
