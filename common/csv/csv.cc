// CSV by hand, byte by byte: what spreadsheets write differs enough that guessing would put a wrong
// name on a thousand routers, so whatever isn't plain is refused with its place.
#include "common/csv/csv.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/text/clean.h"

namespace muster {
namespace {

absl::Status ErrorAt(int line, int column, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ", column ", column, ": ", what));
}

class Reader {
 public:
  Reader(absl::string_view text, const CsvLimits& limits) : text_(text), limits_(limits) {}

  // Rows are kept, so their number is bounded; fields point nowhere into the text.
  absl::StatusOr<std::vector<CsvRow>> Read() {
    std::vector<CsvRow> rows;
    while (!AtEnd()) {
      if (rows.size() == limits_.rows) return Error("too many lines");
      CsvRow row;
      if (absl::Status status = ReadRow(row); !status.ok()) return status;
      // At the row's beginning: the end of a long row says nothing.
      if (!rows.empty() && row.size() != rows.front().size()) {
        return ErrorAt(
            row.front().line, 1,
            absl::StrCat("has ", row.size(), " fields, the first line has ", rows.front().size()));
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return text_[at_]; }
  // In bytes, as editors count where they don't know better.
  int Column() const { return static_cast<int>(at_ - line_start_) + 1; }
  absl::Status Error(absl::string_view what) const { return ErrorAt(line_, Column(), what); }

  // Inside of quotes too, so that lines go on being counted.
  // True where a line break was there and was passed.
  bool TakeBreak() {
    if (AtEnd()) return false;
    const bool crlf = text_.substr(at_, 2) == "\r\n";
    if (!crlf && Peek() != '\n') return false;
    at_ += crlf ? 2 : 1;
    ++line_;
    line_start_ = at_;
    return true;
  }

  absl::Status ReadRow(CsvRow& row) {
    if (Peek() == '\n' || text_.substr(at_, 2) == "\r\n") return Error("the line is empty");
    for (;;) {
      // Before the field is read: a line of a million commas ends here.
      if (row.size() == limits_.columns) return Error("too many fields");
      CsvField field;
      field.line = line_;
      field.column = Column();
      const bool quoted = !AtEnd() && Peek() == '"';
      if (absl::Status status = quoted ? ReadQuoted(field) : ReadPlain(field); !status.ok()) {
        return status;
      }
      row.push_back(std::move(field));
      // A last line without a break is whole.
      if (AtEnd() || TakeBreak()) return absl::OkStatus();
      if (Peek() != ',') {
        return Error(quoted ? "text behind the closing quote" : "a carriage return alone");
      }
      ++at_;
    }
  }

  absl::Status ReadPlain(CsvField& field) {
    const size_t from = at_;
    while (!AtEnd() && Peek() != ',' && Peek() != '\n' && Peek() != '\r') {
      // RFC 4180 has no such thing, and programs read it in different ways.
      if (Peek() == '"') return Error("a quote inside a field that does not begin with one");
      ++at_;
    }
    field.text = std::string(text_.substr(from, at_ - from));
    return absl::OkStatus();
  }

  absl::Status ReadQuoted(CsvField& field) {
    ++at_;
    while (!AtEnd()) {
      if (text_.substr(at_, 2) == "\"\"") {
        field.text.push_back('"');
        at_ += 2;
      } else if (Peek() == '"') {
        ++at_;
        return absl::OkStatus();
        // A break inside of quotes belongs to the text, as it stands.
      } else if (const size_t from = at_; TakeBreak()) {
        field.text.append(text_.data() + from, at_ - from);
      } else {
        field.text.push_back(text_[at_++]);
      }
    }
    return ErrorAt(field.line, field.column, "the quote is never closed");
  }

  const absl::string_view text_;
  const CsvLimits limits_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace

absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text, const CsvLimits& limits) {
  // Spreadsheets put it there; columns would be off by three.
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  if (!IsUtf8(text)) {
    return absl::InvalidArgumentError("the file is not UTF-8; save it as \"CSV UTF-8\"");
  }
  // UTF-16 or a workbook.
  if (text.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("the file has NUL bytes; is it CSV?");
  }
  return Reader(text, limits).Read();
}

absl::Status CsvError(const CsvField& field, absl::string_view what) {
  return ErrorAt(field.line, field.column, what);
}

}  // namespace muster
