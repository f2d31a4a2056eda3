// One report, six formats. What is meant for programs (json, yaml, csv, name) is exact, whole and
// never depends on the terminal; table and wide are for people and may change with any release.
#include "cli/output/printer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/structured.h"
#include "cli/output/text_table.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

// NO_COLOR as no-color.org has it: anything but empty. TERM=dumb is what Emacs and CI say.
bool WantsColor(const Console& console) {
  return console.out_is_terminal && !console.environment("NO_COLOR").has_value() &&
         console.environment("TERM").value_or("dumb") != "dumb";
}

void PrintForPeople(const Report& report, bool wide, const Console& console) {
  const TableStyle style = {wide, WantsColor(console), console.width};
  int hidden = 0;
  bool first = true;
  for (const Table& table : report.tables) {
    int hidden_here = 0;
    *console.out << (first ? "" : "\n") << DrawTable(table, style, &hidden_here);
    hidden += hidden_here;
    first = false;
  }
  if (!report.text.empty()) {
    // Free text comes from routers: what a script printed must not move the cursor or set the
    // title.
    const std::string text = CleanText(report.text, LineBreaks::kKeep);
    *console.out << (first ? "" : "\n") << text << (text.ends_with("\n") ? "" : "\n");
  }
  // To stderr, and only where a person is: a pipe gets what it asked for and no remark.
  if (hidden > 0 && console.err_is_terminal) {
    *console.err << "muster: " << hidden << " more columns don't fit; -o wide shows them all\n";
  }
}

}  // namespace

absl::StatusOr<Format> ParseFormat(absl::string_view text) {
  if (text == "table") return Format::kTable;
  if (text == "wide") return Format::kWide;
  if (text == "json") return Format::kJson;
  if (text == "yaml") return Format::kYaml;
  if (text == "csv") return Format::kCsv;
  if (text == "name") return Format::kName;
  return absl::InvalidArgumentError(absl::StrCat(
      "--output: \"", text, "\" is no format; use table, wide, json, yaml, csv or name"));
}

absl::Status Print(const Report& report, Format format, const Console& console) {
  switch (format) {
    case Format::kTable:
    case Format::kWide:
      PrintForPeople(report, format == Format::kWide, console);
      break;
    case Format::kJson:
    case Format::kYaml: {
      std::string json = report.json;
      if (json.empty()) {
        ASSIGN_OR_RETURN(json, JsonText(report.messages, report.is_list));
      }
      *console.out << (format == Format::kJson ? json : YamlFromJson(json));
      break;
    }
    case Format::kCsv:
      // CSV is one table; a reader of the second one would take its header for a row.
      if (!report.tables.empty()) *console.out << CsvText(report.tables.front());
      break;
    case Format::kName:
      for (const std::string& name : report.names) *console.out << CleanText(name) << "\n";
      break;
  }
  // Before stderr goes on: notes stand where they belong when both are one terminal.
  console.out->flush();
  return absl::OkStatus();
}

}  // namespace muster::cli
