#include "common/ids/ids.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(IdsTest, EveryValueReadsBackAsItWasWritten) {
  for (const uint64_t value :
       {uint64_t{1}, uint64_t{31}, uint64_t{32}, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT_EQ(ParseId(FormatId(value)), value);
  }
  EXPECT_EQ(FormatId(~uint64_t{0}), "fzzzzzzzzzzzz");
}

TEST(IdsTest, RefusesWhatItWouldNotHaveWritten) {
  for (const char* text : {"", "0000000000000", "gzzzzzzzzzzzz", "000000000000i", "00000000000001",
                           "000000000000A", "00000000000 1"}) {
    EXPECT_EQ(ParseId(text), std::nullopt) << text;
  }
}

TEST(IdsTest, SlugsAreLowerCaseAndBounded) {
  EXPECT_TRUE(IsSlug("acme-2"));
  for (const char* text :
       {"", "a", "2acme", "Acme", "acme-", "a_b", "a.b", "a23456789012345678901234567890123"}) {
    EXPECT_FALSE(IsSlug(text)) << text;
  }
}

}  // namespace
}  // namespace muster
