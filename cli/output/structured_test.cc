#include "cli/output/structured.h"

#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(YamlFromJsonTest, WritesObjectsAndArraysAsBlocks) {
  EXPECT_EQ(
      YamlFromJson(R"([{"name":"a/b","labels":{"k":"v 1"},"list":[1,2],"none":{},"empty":[]}])"),
      "- name: a/b\n"
      "  labels:\n"
      "    k: \"v 1\"\n"
      "  list:\n"
      "    - 1\n"
      "    - 2\n"
      "  none: {}\n"
      "  empty: []\n");
}

TEST(YamlFromJsonTest, KeepsQuotesWherePlainTextWouldMeanSomethingElse) {
  EXPECT_EQ(YamlFromJson(R"({"a":"true","b":"12","c":"x: y","d":"","e":"q\"}]","f":true})"),
            "a: \"true\"\nb: \"12\"\nc: \"x: y\"\nd: \"\"\ne: \"q\\\"}]\"\nf: true\n");
}

TEST(YamlFromJsonTest, WritesAnEmptyList) { EXPECT_EQ(YamlFromJson("[]\n"), "[]\n"); }

TEST(JsonTextTest, EscapesControlCharactersOfRouters) {
  google::protobuf::Value value;
  value.set_string_value(
      "a\x1B]0;owned\x07"
      "b\xC2\x9B"
      "c\xE2\x80\xAE");
  const auto json = JsonText({&value}, true);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(*json, "[\n \"a\\u001b]0;owned\\u0007b\\u009bc\\u202e\"\n]\n");
}

TEST(CsvTextTest, QuotesAndDefusesFormulas) {
  const Table table = {"",
                       {{"NAME"}, {"LAST SEEN"}},
                       {{Cell("=cmd|' /C calc'!A0"), Cell("3s ago", "2026-01-02T03:04:05Z")},
                        {Cell("a,\"b\"\nc"), Cell("-12")},
                        {Cell("\x1B[31mred"), Cell("-x")}}};
  EXPECT_EQ(CsvText(table),
            "name,last_seen\n"
            "'=cmd|' /C calc'!A0,2026-01-02T03:04:05Z\n"
            "\"a,\"\"b\"\"\nc\",-12\n"
            "red,'-x\n");
}

}  // namespace
}  // namespace muster::cli
