// Strict on purpose: a column that is misspelled or a name that is cut would be found out one by
// one, at each router that joins. The limits are the server's, said here with line and column.
#include "cli/commands/import_file.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/csv/csv.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kLabelPrefix = "label.";
// Bytes; as DeviceIdentity and DeviceDirectory have them.
constexpr size_t kLongestSerial = 64;
constexpr size_t kLongestText = 128;
constexpr size_t kLongestLabel = 256;

absl::Status CheckHeader(const CsvRow& header) {
  std::set<std::string> seen;
  for (const CsvField& field : header) {
    const bool label =
        absl::StartsWith(field.text, kLabelPrefix) && field.text.size() > kLabelPrefix.size();
    // Small letters only, as a header that is nearly right may be another file's.
    if (!label && field.text != "serial" && field.text != "name" && field.text != "site") {
      return CsvError(
          field,
          absl::StrCat("\"", field.text, "\" is no column; wants serial, name, site or label.KEY"));
    }
    if (!seen.insert(field.text).second) {
      return CsvError(field, absl::StrCat("the column \"", field.text, "\" comes twice"));
    }
  }
  if (!seen.contains("serial")) return CsvError(header.front(), "there is no column \"serial\"");
  return absl::OkStatus();
}

absl::Status CheckText(const CsvField& field, size_t longest) {
  if (field.text.size() > longest) {
    return CsvError(field, absl::StrCat("has ", field.text.size(), " bytes; at most ", longest));
  }
  // Tabs and line breaks too: a quoted field of a spreadsheet may hold them unseen.
  if (CleanText(field.text) != field.text) return CsvError(field, "has control characters");
  return absl::OkStatus();
}

absl::Status ReadField(const std::string& column, const CsvField& field,
                       muster::v1::Preregistration& row) {
  const bool label = absl::StartsWith(column, kLabelPrefix);
  RETURN_IF_ERROR(CheckText(field, label                ? kLongestLabel
                                   : column == "serial" ? kLongestSerial
                                                        : kLongestText));
  if (column == "serial") {
    if (field.text.empty()) return CsvError(field, "the serial number is empty");
    // Serial numbers are compared as they are: one with a space would never meet its router.
    if (field.text.front() == ' ' || field.text.back() == ' ') {
      return CsvError(field, "the serial number has spaces around it");
    }
    row.set_serial_number(field.text);
  } else if (column == "name") {
    row.set_display_name(field.text);
  } else if (column == "site") {
    row.set_site(field.text);
    // An empty cell is "no such label" and not a label without value.
  } else if (!field.text.empty()) {
    (*row.mutable_labels())[column.substr(kLabelPrefix.size())] = field.text;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<muster::v1::Preregistration>> ReadImport(absl::string_view text) {
  ASSIGN_OR_RETURN(const std::vector<CsvRow> rows, ParseCsv(text));
  if (rows.empty()) return absl::InvalidArgumentError("the file is empty");
  RETURN_IF_ERROR(CheckHeader(rows.front()));
  std::vector<muster::v1::Preregistration> imported;
  // Twice the same serial number would be two wills for one router; the message names both lines.
  std::map<std::string, int> line_of;
  for (size_t i = 1; i < rows.size(); ++i) {
    muster::v1::Preregistration row;
    const CsvField* serial = nullptr;
    // ParseCsv has checked that each row has as many fields as the first.
    for (size_t j = 0; j < rows[i].size(); ++j) {
      RETURN_IF_ERROR(ReadField(rows[0][j].text, rows[i][j], row));
      if (rows[0][j].text == "serial") serial = &rows[i][j];
    }
    const auto [first, is_new] = line_of.emplace(row.serial_number(), serial->line);
    if (!is_new) {
      return CsvError(*serial, absl::StrCat("serial number ", row.serial_number(),
                                            " stands in line ", first->second, " already"));
    }
    imported.push_back(std::move(row));
  }
  if (imported.empty()) return absl::InvalidArgumentError("the file has no line but the first");
  return imported;
}

}  // namespace muster::cli
