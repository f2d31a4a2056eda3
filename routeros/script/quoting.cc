// How any byte stands in a RouterOS string. This is the wall between data and script: every value
// that Muster puts into a text passes here or in routeros/placeholders.
#include "routeros/script/quoting.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace muster::routeros {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";
constexpr absl::string_view kContinuation = "\\\n    ";

// What isn't listed in the manual is written \XX rather than trusted: `?` asks the console for help
// up to 7.1rc1, and bytes above 0x7E depend on a code page.
void AppendByte(char byte, std::string& out) {
  switch (byte) {
    case '"':
    case '\\':
    case '$':
      out.push_back('\\');
      out.push_back(byte);
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      break;
  }
  const auto value = static_cast<unsigned char>(byte);
  if (value < 0x20 || value >= 0x7f || byte == '?') {
    out.push_back('\\');
    out.push_back(kHexDigits[value >> 4]);
    out.push_back(kHexDigits[value & 15]);
    return;
  }
  out.push_back(byte);
}

// RouterOS reads escapes in upper case only, so lower case here is a fault of the writer.
int UpperHexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

absl::Status BadEscape(absl::string_view rest) {
  return absl::InvalidArgumentError(
      absl::StrCat("unknown escape at \"", rest.substr(0, 3), "\" in a quoted text"));
}

// Reads the escape after a backslash at the start of `rest` and takes it off.
absl::Status TakeEscape(absl::string_view& rest, std::string& out) {
  // By place: the byte behind the backslash, and what it means.
  static constexpr absl::string_view kNames = "\"\\$?nrtabfv_";
  static constexpr absl::string_view kMeanings = "\"\\$?\n\r\t\a\b\f\v ";
  if (rest.empty()) return absl::InvalidArgumentError("a quoted text ends with a backslash");
  // A line that goes on: the break and the blanks of the next line are not part of the text.
  if (rest.front() == '\n') {
    rest.remove_prefix(1);
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    return absl::OkStatus();
  }
  const size_t at = kNames.find(rest.front());
  if (at != absl::string_view::npos) {
    out.push_back(kMeanings[at]);
    rest.remove_prefix(1);
    return absl::OkStatus();
  }
  if (rest.size() < 2 || UpperHexValue(rest[0]) < 0 || UpperHexValue(rest[1]) < 0) {
    return BadEscape(rest);
  }
  out.push_back(static_cast<char>(UpperHexValue(rest[0]) * 16 + UpperHexValue(rest[1])));
  rest.remove_prefix(2);
  return absl::OkStatus();
}

}  // namespace

std::string QuoteString(absl::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + text.size() / 8 + 2);
  for (const char byte : text) AppendByte(byte, out);
  out.push_back('"');
  return out;
}

std::string QuoteSource(absl::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + text.size() / 4 + 2);
  bool line_end = false;
  for (const char byte : text) {
    if (line_end) {
      // Spaces after the break belong to the break, so one of the text is written \_.
      absl::StrAppend(&out, kContinuation);
      if (byte == ' ') {
        out.append("\\_");
        line_end = false;
        continue;
      }
    }
    AppendByte(byte, out);
    line_end = byte == '\n';
  }
  out.push_back('"');
  return out;
}

absl::StatusOr<std::string> ParseQuoted(absl::string_view literal) {
  if (literal.size() < 2 || literal.front() != '"') {
    return absl::InvalidArgumentError("a quoted text starts and ends with a quote");
  }
  std::string out;
  absl::string_view rest = literal.substr(1);
  while (!rest.empty()) {
    const char byte = rest.front();
    rest.remove_prefix(1);
    if (byte == '"') {
      if (rest.empty()) return out;
      return absl::InvalidArgumentError("a quote stands inside a quoted text");
    }
    // A router would put a value in its place, so the literal has no fixed bytes.
    if (byte == '$') return absl::InvalidArgumentError("a quoted text has a substitution in it");
    if (byte != '\\') {
      out.push_back(byte);
      continue;
    }
    if (absl::Status status = TakeEscape(rest, out); !status.ok()) return status;
  }
  return absl::InvalidArgumentError("a quoted text has no end");
}

}  // namespace muster::routeros
