#include "common/csv/csv.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

using Table = std::vector<std::vector<std::string>>;

Table Read(absl::string_view text) {
  const auto rows = ParseCsv(text);
  EXPECT_TRUE(rows.ok()) << rows.status();
  Table table;
  if (!rows.ok()) return table;
  for (const CsvRow& row : *rows) {
    table.emplace_back();
    for (const CsvField& field : row) table.back().push_back(field.text);
  }
  return table;
}

TEST(CsvTest, ReadsPlainAndQuotedFields) {
  EXPECT_EQ(Read("a,b\n1,2\n"), (Table{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(Read("a,b\r\n1,2"), (Table{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(Read("\"a,b\",\"say \"\"hi\"\"\"\n"), (Table{{"a,b", "say \"hi\""}}));
  EXPECT_EQ(Read("\"two\nlines\",x\n"), (Table{{"two\nlines", "x"}}));
  EXPECT_EQ(Read("a,\n,\n"), (Table{{"a", ""}, {"", ""}}));
  EXPECT_EQ(Read("\xef\xbb\xbf"
                 "a\n"),
            (Table{{"a"}}));
  EXPECT_EQ(Read(""), Table{});
}

TEST(CsvTest, FieldsKnowTheirPlace) {
  const auto rows = ParseCsv("a,b\n\"x\ny\",z\nq,r\n");
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)[1][1].line, 3);
  EXPECT_EQ((*rows)[1][1].column, 4);
  EXPECT_EQ((*rows)[2][1].line, 4);
  EXPECT_EQ((*rows)[2][1].column, 3);
}

TEST(CsvTest, RefusesWhatIsNotQuiteCsvAndSaysWhere) {
  const struct {
    const char* name;
    std::string text;
    const char* place;
  } cases[] = {
      {"quote inside", "a,b\n1,x\"y\n", "line 2, column 4"},
      {"text behind a quote", "a,b\n\"1\"x,2\n", "line 2, column 4"},
      {"quote never closed", "a,b\n1,\"2\n", "line 2, column 3"},
      {"another length", "a,b\n1\n", "line 2, column 1"},
      {"empty line", "a,b\n\n1,2\n", "line 2, column 1"},
      {"lone carriage return", "a,b\r1,2\n", "line 1, column 4"},
      {"no UTF-8", "a,\xff\n", "UTF-8"},
      {"NUL", std::string("a\0b\n", 4), "NUL"},
  };
  for (const auto& one : cases) {
    const auto rows = ParseCsv(one.text);
    EXPECT_EQ(rows.status().code(), absl::StatusCode::kInvalidArgument) << one.name;
    EXPECT_NE(rows.status().message().find(one.place), absl::string_view::npos)
        << one.name << ": " << rows.status();
  }
}

TEST(CsvTest, LimitsAreKept) {
  EXPECT_FALSE(ParseCsv("a\nb\nc\n", {2, 10}).ok());
  EXPECT_FALSE(ParseCsv("a,b,c\n", {10, 2}).ok());
}

}  // namespace
}  // namespace muster
