// The formats for programs. JSON is protobuf's own mapping, so that what `-o json` prints can be
// read back into the messages of the API (audit verify does). YAML is written from that JSON and
// not from the messages, so that both always say the same.
#include "cli/output/structured.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::cli {
namespace {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  // A script may ask for .targetCount without first asking whether it is there. Fields that are
  // messages are still left out where they are not set (times that never were).
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat("can't write the answer as JSON: ", status.ToString()));
  }
  return json;
}

// Reads JSON that protobuf wrote and writes the same as YAML.
// No library: JSON of one known writer is read, and what is written is a small and safe part of
// YAML. Nothing is checked, since protobuf's JSON is well-formed.
class YamlWriter {
 public:
  explicit YamlWriter(absl::string_view json) : json_(json) {}

  std::string Write() {
    Value(0, Place::kTop);
    return std::move(out_);
  }

 private:
  // Where a value stands: decides whether a block begins on a new line.
  enum class Place { kTop, kAfterKey, kAfterDash };

  void SkipSpace() {
    while (!json_.empty() && absl::ascii_isspace(json_[0])) json_.remove_prefix(1);
  }

  bool Take(char c) {
    SkipSpace();
    if (json_.empty() || json_[0] != c) return false;
    json_.remove_prefix(1);
    return true;
  }

  // A JSON string with its quotes, or a number or word.
  absl::string_view Scalar() {
    SkipSpace();
    size_t end = 0;
    if (!json_.empty() && json_[0] == '"') {
      // A backslash takes the character behind it along, a quote as well.
      for (end = 1; end < json_.size() && json_[end] != '"'; ++end) {
        if (json_[end] == '\\') ++end;
      }
      ++end;
    } else {
      while (end < json_.size() &&
             absl::string_view(",]} \n").find(json_[end]) == absl::string_view::npos) {
        ++end;
      }
    }
    const absl::string_view scalar = json_.substr(0, end);
    json_.remove_prefix(scalar.size());
    return scalar;
  }

  // A JSON string is a YAML string too; only plain words lose their quotes.
  // YAML 1.2 is a superset of JSON in this (yaml.org/spec/1.2.2), so quotes are always right and
  // are left out only where nobody could misread the text: letters first, then letters, digits and
  // _-./
  static std::string Plain(absl::string_view scalar) {
    if (scalar.size() < 3 || scalar[0] != '"') return std::string(scalar);
    const absl::string_view text = scalar.substr(1, scalar.size() - 2);
    if (!absl::ascii_isalpha(text[0])) return std::string(scalar);
    for (const char c : text) {
      if (!absl::ascii_isalnum(c) && c != '_' && c != '-' && c != '.' && c != '/') {
        return std::string(scalar);
      }
    }
    const std::string word = absl::AsciiStrToLower(text);
    // YAML 1.1 readers, and there are many, take these for booleans: "no" is Norway.
    for (const char* taken : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
      if (word == taken) return std::string(scalar);
    }
    return std::string(text);
  }

  void Indent(int depth) { out_.append(static_cast<size_t>(depth) * 2, ' '); }

  void Object(int depth, Place place) {
    if (Take('}')) {
      absl::StrAppend(&out_, place == Place::kTop ? "" : " ", "{}\n");
      return;
    }
    if (place == Place::kAfterKey) out_ += '\n';
    // The first key of an object in a list stands beside its dash, as people write it.
    if (place == Place::kAfterDash) out_ += ' ';
    bool first = true;
    do {
      if (!first || place != Place::kAfterDash) Indent(depth);
      first = false;
      absl::StrAppend(&out_, Plain(Scalar()), ":");
      Take(':');
      Value(depth + 1, Place::kAfterKey);
    } while (Take(','));
    Take('}');
  }

  void Array(int depth, Place place) {
    if (Take(']')) {
      absl::StrAppend(&out_, place == Place::kTop ? "" : " ", "[]\n");
      return;
    }
    if (place != Place::kTop) out_ += '\n';
    do {
      Indent(depth);
      out_ += '-';
      Value(depth + 1, Place::kAfterDash);
    } while (Take(','));
    Take(']');
  }

  void Value(int depth, Place place) {
    if (Take('{')) return Object(depth, place);
    if (Take('[')) return Array(depth, place);
    absl::StrAppend(&out_, place == Place::kTop ? "" : " ", Plain(Scalar()), "\n");
  }

  absl::string_view json_;
  std::string out_;
};

std::string CsvCell(absl::string_view text) {
  std::string clean = CleanText(text, LineBreaks::kKeep);
  // Against formulas in spreadsheets: Excel and LibreOffice run what begins with one of these
  // (OWASP, "CSV Injection"), and names of routers are not ours. A number like -5 keeps its sign.
  double number = 0;
  if (!clean.empty() && absl::string_view("=+-@\t").find(clean[0]) != absl::string_view::npos &&
      !absl::SimpleAtod(clean, &number)) {
    clean.insert(0, 1, '\'');
  }
  // RFC 4180: quoted only where it must be, a quote doubled.
  if (clean.find_first_of("\",\n\r") == std::string::npos) return clean;
  return absl::StrCat("\"", absl::StrReplaceAll(clean, {{"\"", "\"\""}}), "\"");
}

}  // namespace

absl::StatusOr<std::string> JsonText(const std::vector<const google::protobuf::Message*>& messages,
                                     bool is_list) {
  if (!is_list) {
    // Never nothing: jq would fail on an empty text.
    if (messages.empty()) return std::string("{}\n");
    return ToJson(*messages.front(), true);
  }
  std::string out = "[";
  for (const auto* message : messages) {
    ASSIGN_OR_RETURN(const std::string json, ToJson(*message, true));
    absl::StrAppend(&out, message == messages.front() ? "\n" : ",\n");
    const absl::string_view object = absl::StripTrailingAsciiWhitespace(json);
    // Moved in by one, below its bracket.
    absl::StrAppend(&out, " ", absl::StrReplaceAll(object, {{"\n", "\n "}}));
  }
  absl::StrAppend(&out, messages.empty() ? "]\n" : "\n]\n");
  return out;
}

absl::StatusOr<std::string> JsonLine(const google::protobuf::Message& message) {
  return ToJson(message, false);
}

std::string YamlFromJson(absl::string_view json) { return YamlWriter(json).Write(); }

std::string CsvText(const Table& table) {
  std::string out;
  const auto append = [&](size_t i, const std::string& cell) {
    absl::StrAppend(&out, i == 0 ? "" : ",", cell, i + 1 == table.columns.size() ? "\n" : "");
  };
  for (size_t i = 0; i < table.columns.size(); ++i) {
    // "LAST SEEN" is last_seen: names of columns are what scripts hold on to.
    append(i, CsvCell(absl::StrReplaceAll(absl::AsciiStrToLower(table.columns[i].title),
                                          {{" ", "_"}})));
  }
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      append(i, CsvCell(row[i].exact.empty() ? row[i].text : row[i].exact));
    }
  }
  return out;
}

}  // namespace muster::cli
