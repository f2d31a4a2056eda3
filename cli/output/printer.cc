#include "cli/output/printer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/structured.h"
#include "cli/output/text_table.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

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
    const std::string text = CleanText(report.text, LineBreaks::kKeep);
    *console.out << (first ? "" : "\n") << text << (text.ends_with("\n") ? "" : "\n");
  }
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
      ASSIGN_OR_RETURN(const std::string json, JsonText(report.messages, report.is_list));
      *console.out << (format == Format::kJson ? json : YamlFromJson(json));
      break;
    }
    case Format::kCsv:
      if (!report.tables.empty()) *console.out << CsvText(report.tables.front());
      break;
    case Format::kName:
      for (const std::string& name : report.names) *console.out << CleanText(name) << "\n";
      break;
  }
  console.out->flush();
  return absl::OkStatus();
}

}  // namespace muster::cli
