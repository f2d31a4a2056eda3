#include "common/text/clean.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

struct Case {
  const char* name;
  std::string input;
  std::string expected;
};

TEST(CleanTextTest, NothingThatSteersATerminalComesThrough) {
  const Case cases[] = {
      {"plain", "edge-1 \xC3\xBC", "edge-1 \xC3\xBC"},
      {"colour", "a\x1B[31mred\x1B[0mb", "aredb"},
      {"title",
       "a\x1B]0;owned\x07"
       "b",
       "ab"},
      {"title ended by ST", "a\x1B]0;owned\x1B\\b", "ab"},
      {"C1 CSI",
       "a\xC2\x9B"
       "31mb",
       "a31mb"},
      {"NUL and DEL",
       std::string("a\0b\x7F"
                   "c",
                   5),
       "abc"},
      {"bidi override",
       "a\xE2\x80\xAE"
       "b",
       "ab"},
      {"line separator",
       "a\xE2\x80\xA8"
       "b",
       "ab"},
      {"cp1251", "\xCF\xF0\xE8", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"overlong slash", "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"surrogate", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"cut", "a\xE2\x82", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"lines", "a\r\nb\tc", "a  b c"},
  };
  for (const Case& test : cases) EXPECT_EQ(CleanText(test.input), test.expected) << test.name;
}

TEST(CleanTextTest, OutputsKeepTheirLines) {
  EXPECT_EQ(CleanText("a\r\nb\tc\x1B[2J", LineBreaks::kKeep), "a\nb\tc");
}

TEST(CleanTextTest, WhatIsCleanedIsAlwaysUtf8) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b), '\x80'};
      EXPECT_TRUE(IsUtf8(CleanText(text)));
    }
  }
}

TEST(DisplayWidthTest, WideAndCombiningCharactersCountAsATerminalShowsThem) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("\xE4\xB8\xAD"), 2);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1);
}

}  // namespace
}  // namespace muster
