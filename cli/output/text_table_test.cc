#include "cli/output/text_table.h"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

const Table kTable = {
    "",
    {{"NAME", false, true}, {"STATE"}, {"CPU", false, false, true}, {"SERIAL", true}},
    {{Cell("branch-office-in-riga"), Cell("online"), Cell("7"), Cell("S1")},
     {Cell("東京"), Cell(""), Cell("100"), Cell("S2")}}};

std::string Draw(const Table& table, TableStyle style) {
  int hidden = 0;
  return DrawTable(table, style, &hidden);
}

TEST(DrawTableTest, AlignsByDisplayWidthAndShowsADashForNothing) {
  EXPECT_EQ(Draw(kTable, {}),
            "NAME                   STATE   CPU\n"
            "branch-office-in-riga  online    7\n"
            "東京                   -       100\n");
}

TEST(DrawTableTest, CutsElasticColumnsToFitTheTerminal) {
  EXPECT_EQ(Draw(kTable, {.width = 30}),
            "NAME               STATE   CPU\n"
            "branch-office-...  online    7\n"
            "東京               -       100\n");
}

TEST(DrawTableTest, LeavesColumnsOutWhereCuttingIsNotEnough) {
  int hidden = 0;
  EXPECT_EQ(DrawTable(kTable, {.width = 25}, &hidden),
            "NAME               STATE\n"
            "branch-office-...  online\n"
            "東京               -\n");
  EXPECT_EQ(hidden, 1);
}

TEST(DrawTableTest, KeepsTwoColumnsOnTheNarrowestTerminal) {
  EXPECT_EQ(Draw(kTable, {.width = 17}),
            "NAME       STATE\n"
            "branch...  online\n"
            "東京       -\n");
}

TEST(DrawTableTest, WideShowsAllColumnsUncut) {
  EXPECT_EQ(Draw(kTable, {.wide = true, .width = 20}),
            "NAME                   STATE   CPU  SERIAL\n"
            "branch-office-in-riga  online    7  S1\n"
            "東京                   -       100  S2\n");
}

TEST(DrawTableTest, RouterTextCanNotMoveTheCursorOrSetColors) {
  const Table table = {"",
                       {{"NAME"}},
                       {{Cell("\x1B[2J\x1B]0;x\x07"
                              "a\r\nb\xE2\x80\xAE")}}};
  EXPECT_EQ(Draw(table, {}), "NAME\na  b\n");
}

TEST(DrawTableTest, ColorsOnlyWhereAsked) {
  Cell cell("online");
  cell.tone = Tone::kGood;
  const Table table = {"", {{"STATE"}}, {{cell}}};
  EXPECT_EQ(Draw(table, {.color = true}), "STATE\n\x1B[32monline\x1B[0m\n");
  EXPECT_EQ(Draw(table, {}), "STATE\nonline\n");
}

TEST(DrawTableTest, VerticalShowsOneLineACell) {
  Table table = kTable;
  table.vertical = true;
  table.rows.pop_back();
  EXPECT_EQ(Draw(table, {}), "NAME:   branch-office-in-riga\nSTATE:  online\nCPU:    7\n");
}

TEST(CutToWidthTest, NeverCutsThroughACharacter) {
  EXPECT_EQ(CutToWidth("東京東京東京", 8), "東京...");
  EXPECT_EQ(CutToWidth("abc", 3), "abc");
  EXPECT_EQ(CutToWidth("abcd", 3), "...");
}

}  // namespace
}  // namespace muster::cli
