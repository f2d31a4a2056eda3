#include "server/command_log/etcd/cursor.h"

#include <gtest/gtest.h>

namespace muster::server {
namespace {

EtcdCursor Sample() { return {1'234'567'890'123, std::string(32, 'd'), {{1, 7}, {~0ULL, 9}}}; }

TEST(EtcdCursorTest, ReadsBackWhatItWrote) {
  const auto read = EtcdCursor::Decode(Sample().Encode());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Sample());
}

TEST(EtcdCursorTest, RefusesWhatIsCutOrIsNoCursor) {
  const std::string good = Sample().Encode();
  for (size_t size = 0; size < good.size(); ++size) {
    // Whole counters may be missing without a trace: SQLite's page is what guards them.
    if (size >= 44 && (size - 44) % 16 == 0) continue;
    EXPECT_FALSE(EtcdCursor::Decode(good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(EtcdCursor::Decode("XX" + good.substr(2)).ok());
}

}  // namespace
}  // namespace muster::server
