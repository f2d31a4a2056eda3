#include "tests/bench/ingest/fleet.h"

#include <gtest/gtest.h>

namespace muster::bench {
namespace {

TEST(FleetTest, IsTheSameEachTimeWithRisingIds) {
  const Fleet one(10'000, 8), other(10'000, 8);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one.Id(i), other.Id(i));
    if (i > 0) {
      EXPECT_LT(one.Id(i - 1), one.Id(i));
    }
  }
  EXPECT_EQ(one.TokenSecret(7).Reveal(), other.TokenSecret(7).Reveal());
  EXPECT_EQ(one.TokenSecret(7).size(), 16u);
}

TEST(FleetTest, GivesEachDeviceToOneEdge) {
  const Fleet fleet(1001, 8);
  size_t all = 0;
  for (size_t edge = 0; edge < fleet.edges(); ++edge) {
    const size_t last = fleet.DevicesAt(edge) - 1;
    EXPECT_LT(fleet.DeviceAt(edge, last), fleet.size());
    EXPECT_EQ(fleet.EdgeOf(fleet.DeviceAt(edge, last)), edge);
    all += fleet.DevicesAt(edge);
  }
  EXPECT_EQ(all, fleet.size());
}

TEST(FleetTest, AFullBatchKeepsTheLimitOfABatch) {
  const Fleet fleet(1000, 8);
  edge::v1::Batch batch;
  for (size_t i = 0; i < 1000; ++i) {
    edge::v1::CheckIn& check_in = *batch.add_check_ins();
    fleet.FillCheckIn(i, 1'800'000'000'000'000, check_in);
    check_in.set_secret_check(std::string(16, 'x'));
  }
  EXPECT_LE(batch.ByteSizeLong(), 256u * 1024);
  EXPECT_GE(batch.ByteSizeLong(), 150u * 1000);
}

}  // namespace
}  // namespace muster::bench
