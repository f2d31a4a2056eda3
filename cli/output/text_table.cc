// Tables for people. Widths are columns of a terminal and not bytes: names of routers have accents
// and Chinese, and a wide character takes two.
#include "cli/output/text_table.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

constexpr int kGap = 2;
// Columns to the right go before elastic ones are cut shorter than this.
constexpr int kLeastElasticWidth = 16;
// A letter and the mark; below that a cell says nothing.
constexpr int kShortestCut = 4;
// What it is and one thing about it: a table of one column would be a list of ids.
constexpr size_t kFewestColumns = 2;
constexpr absl::string_view kCutMark = "...";

absl::string_view ColorOf(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "\x1B[32m";
    case Tone::kBad:
      return "\x1B[31m";
    case Tone::kDoubtful:
      return "\x1B[33m";
    case Tone::kPlain:
      break;
  }
  return "";
}

// "-" keeps an empty cell from looking like a gap in the row above it.
std::string CleanCell(const Cell& cell) {
  std::string text = CleanText(cell.text);
  return text.empty() ? "-" : text;
}

// After measuring and cutting: escape sequences take no columns.
std::string Paint(absl::string_view text, Tone tone, const TableStyle& style) {
  const absl::string_view color = style.color ? ColorOf(tone) : "";
  return color.empty() ? std::string(text) : absl::StrCat(color, text, "\x1B[0m");
}

// The text is clean UTF-8, so its first byte says it.
size_t CodePointSize(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The columns that are shown, with their cells cleaned and their widths chosen.
struct Layout {
  std::vector<size_t> columns;
  std::vector<std::vector<std::string>> cells;  // [row][shown column]
  std::vector<int> widths;

  int TotalWidth() const {
    return std::accumulate(widths.begin(), widths.end(), 0) +
           kGap * (static_cast<int>(widths.size()) - 1);
  }
};

// Every row is looked at: a listing of a thousand must stand straight to its end, and sorting out
// widths costs less than fetching it.
Layout MakeLayout(const Table& table, bool wide) {
  Layout layout;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (wide || !table.columns[i].wide) layout.columns.push_back(i);
  }
  for (const size_t i : layout.columns)
    layout.widths.push_back(DisplayWidth(table.columns[i].title));
  for (const auto& row : table.rows) {
    auto& cells = layout.cells.emplace_back();
    for (size_t i = 0; i < layout.columns.size(); ++i) {
      cells.push_back(CleanCell(row[layout.columns[i]]));
      layout.widths[i] = std::max(layout.widths[i], DisplayWidth(cells.back()));
    }
  }
  return layout;
}

// What a column may be cut to while other columns are still shown.
int LeastWidth(const Column& column, int width) {
  return column.elastic ? std::min(width, kLeastElasticWidth) : width;
}

// Leaves out columns from the right until the others fit, cut as far as they may be.
int DropColumnsFromTheRight(const Table& table, int width, Layout* layout) {
  // The first column has no gap in front.
  int least = -kGap;
  size_t shown = 0;
  for (; shown < layout->columns.size(); ++shown) {
    least += LeastWidth(table.columns[layout->columns[shown]], layout->widths[shown]) + kGap;
    // From the left, so a narrow column behind a wide one goes too: columns stay in their order of
    // worth.
    if (least > width && shown >= kFewestColumns) break;
  }
  const int dropped = static_cast<int>(layout->columns.size() - shown);
  layout->columns.resize(shown);
  layout->widths.resize(shown);
  return dropped;
}

// Takes columns off the widest elastic column until the table fits or nothing gives way.
void ShrinkElasticColumns(const Table& table, int width, Layout* layout) {
  // One column at a time from the widest: long names are cut to the same length before short ones
  // lose anything.
  while (layout->TotalWidth() > width) {
    int widest = -1;
    for (size_t i = 0; i < layout->columns.size(); ++i) {
      if (!table.columns[layout->columns[i]].elastic || layout->widths[i] <= kShortestCut) continue;
      if (widest < 0 || layout->widths[i] > layout->widths[widest]) widest = static_cast<int>(i);
    }
    if (widest < 0) return;
    --layout->widths[widest];
  }
}

// One line; `cells` has at least as many texts as the layout has columns.
void AppendLine(const Table& table, const Layout& layout, const TableStyle& style,
                const std::vector<std::string>& cells, const std::vector<Cell>* tones,
                std::string* out) {
  std::string line;
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    const std::string text = CutToWidth(cells[i], layout.widths[i]);
    const std::string gap(std::max(0, layout.widths[i] - DisplayWidth(text)), ' ');
    const Tone tone = tones == nullptr ? Tone::kPlain : (*tones)[layout.columns[i]].tone;
    const bool right = table.columns[layout.columns[i]].right;
    const bool last = i + 1 == layout.columns.size();
    if (right) absl::StrAppend(&line, gap);
    absl::StrAppend(&line, Paint(text, tone, style));
    // No spaces behind the last column: a selected line has none when it is pasted.
    if (!last) absl::StrAppend(&line, right ? "" : gap, std::string(kGap, ' '));
  }
  absl::StrAppend(out, line, "\n");
}

// Nothing is cut here: one thing in detail is read line by line, and a long line may wrap.
std::string DrawVertical(const Table& table, const TableStyle& style) {
  int label_width = 0;
  for (const Column& column : table.columns) {
    if (column.wide && !style.wide) continue;
    label_width = std::max(label_width, DisplayWidth(column.title) + 1);
  }
  std::string out;
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].wide && !style.wide) continue;
      const std::string& title = table.columns[i].title;
      absl::StrAppend(&out, title, ":",
                      std::string(label_width - DisplayWidth(title) - 1 + kGap, ' '),
                      Paint(CleanCell(row[i]), row[i].tone, style), "\n");
    }
  }
  return out;
}

}  // namespace

std::string CutToWidth(absl::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const int room = width - static_cast<int>(kCutMark.size());
  size_t end = 0;
  int used = 0;
  while (end < text.size()) {
    const size_t size = std::min(CodePointSize(text[end]), text.size() - end);
    const int columns = DisplayWidth(text.substr(end, size));
    if (used + columns > room) break;
    used += columns;
    end += size;
  }
  return absl::StrCat(text.substr(0, end), kCutMark.substr(0, std::max(0, width)));
}

std::string DrawTable(const Table& table, const TableStyle& style, int* hidden_columns) {
  std::string out;
  *hidden_columns = 0;
  if (!table.title.empty()) absl::StrAppend(&out, table.title, "\n");
  if (table.vertical) return absl::StrCat(out, DrawVertical(table, style));
  Layout layout = MakeLayout(table, style.wide);
  if (style.width > 0 && !style.wide) {
    *hidden_columns = DropColumnsFromTheRight(table, style.width, &layout);
    ShrinkElasticColumns(table, style.width, &layout);
  }
  std::vector<std::string> titles;
  for (const size_t i : layout.columns) titles.push_back(table.columns[i].title);
  AppendLine(table, layout, style, titles, nullptr, &out);
  for (size_t row = 0; row < table.rows.size(); ++row) {
    AppendLine(table, layout, style, layout.cells[row], &table.rows[row], &out);
  }
  return out;
}

}  // namespace muster::cli
