#include "common/sync/deadline.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(DeadlineTest, HasPassedWhenNothingIsLeft) {
  EXPECT_TRUE(Deadline(absl::ZeroDuration()).HasPassed());
  EXPECT_TRUE(Deadline(-absl::Hours(1)).HasPassed());
  EXPECT_LE(Deadline(-absl::Hours(1)).Left(), -absl::Hours(1));
  const Deadline later(absl::Hours(1));
  EXPECT_FALSE(later.HasPassed());
  EXPECT_LE(later.Left(), absl::Hours(1));
  EXPECT_GT(later.Left(), absl::Minutes(50));
}

TEST(DeadlineTest, ForEverIsLongAndNoOverflow) {
  EXPECT_GT(Deadline(absl::InfiniteDuration()).Left(), absl::Hours(24 * 365));
  EXPECT_TRUE(Deadline(-absl::InfiniteDuration()).HasPassed());
}

}  // namespace
}  // namespace muster
