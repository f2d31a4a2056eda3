#include "routeros/script/quoting.h"

#include <gtest/gtest.h>

#include <random>

namespace muster::routeros {
namespace {

void ExpectRoundTrip(const std::string& text) {
  const std::string one_line = QuoteString(text);
  const std::string broken = QuoteSource(text);
  EXPECT_EQ(ParseQuoted(one_line).value_or("refused"), text);
  EXPECT_EQ(ParseQuoted(broken).value_or("refused"), text);
  EXPECT_EQ(one_line.find('\n'), std::string::npos);
}

TEST(QuotingTest, RoundTripsEveryByte) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all.push_back(static_cast<char>(byte));
    ExpectRoundTrip(std::string(1, static_cast<char>(byte)));
  }
  ExpectRoundTrip(all);
}

TEST(QuotingTest, RoundTripsEveryPairOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string pair = {static_cast<char>(first), static_cast<char>(second)};
      ASSERT_EQ(ParseQuoted(QuoteString(pair)).value_or("refused"), pair);
      ASSERT_EQ(ParseQuoted(QuoteSource(pair)).value_or("refused"), pair);
    }
  }
}

TEST(QuotingTest, RoundTripsRandomTexts) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string likely = "\"\\$?\n\r\t {}[]#;0AF_abfnrtv\x80\xff";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t size = random() % 40; size > 0; --size) {
      text.push_back(random() % 4 == 0 ? static_cast<char>(random())
                                       : likely[random() % likely.size()]);
    }
    ExpectRoundTrip(text);
  }
}

TEST(QuotingTest, LeavesNothingThatEndsOrSubstitutes) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string quoted = QuoteString(std::string(1, static_cast<char>(byte)));
    const std::string inner = quoted.substr(1, quoted.size() - 2);
    EXPECT_FALSE(inner == "\"" || inner == "$" || inner == "\\" || inner == "?") << byte;
    for (const char c : inner) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
  }
}

TEST(QuotingTest, BreaksSourceLikeExport) {
  EXPECT_EQ(QuoteSource("a\n b\n"), "\"a\\n\\\n    \\_b\\n\"");
}

TEST(QuotingTest, RefusesWhatIsNotOneLiteral) {
  for (const char* text : {"", "\"", "a", "\"a", "\"a\\\"", "\"a\"b\"", "\"$x\"", "\"\\q\"",
                           "\"\\4\"", "\"\\4g\"", "\"\\2f\""}) {
    EXPECT_FALSE(ParseQuoted(text).ok()) << text;
  }
}

}  // namespace
}  // namespace muster::routeros
