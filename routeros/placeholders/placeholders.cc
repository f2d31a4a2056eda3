// Where a placeholder stands decides how its value is written, so a script is followed byte by
// byte, as far as strings, comments and brackets go. A value itself only ever gives letters,
// digits, "_.-" and \XX; the quotes around one that stands alone are the only other bytes.
#include "routeros/placeholders/placeholders.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"

namespace muster::routeros {
namespace {

// What is longer is no placeholder.
constexpr size_t kMaxNameBytes = 80;

bool IsWordByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

// What stands for a name in a placeholder: no blank, no brace.
bool IsNameByte(char c) { return IsWordByte(c) || c == ':' || c == '/'; }

bool IsKnownName(absl::string_view name) {
  if (name == "device.name" || name == "device.id" || name == "device.site") return true;
  const auto secret = SecretNameOf(name);
  const auto label = LabelKeyOf(name);
  const std::string key = secret.value_or(label.value_or(""));
  if (key.empty() || !absl::ascii_isalnum(static_cast<unsigned char>(key[0]))) return false;
  return std::all_of(key.begin(), key.end(),
                     [&](char c) { return IsWordByte(c) || (c == '/' && label.has_value()); });
}

// The text between the braces at `at`, if it looks like a name with a kind: RouterOS has {{ of its
// own, in arrays of arrays.
std::optional<absl::string_view> NameAt(absl::string_view script, size_t at) {
  if (script.substr(at, 2) != "{{") return std::nullopt;
  const size_t begin = at + 2;
  size_t end = begin;
  while (end < script.size() && end - begin <= kMaxNameBytes && IsNameByte(script[end])) ++end;
  const absl::string_view name = script.substr(begin, end - begin);
  const size_t kind = name.find_first_of(".:");
  if (script.substr(end, 2) != "}}" || kind == absl::string_view::npos || kind == 0) {
    return std::nullopt;
  }
  // {{lable.x}} is a mistake worth an error; {{10.0.0.1}} is an array of RouterOS's and stays.
  const bool is_word = std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(kind),
                                   [](char c) { return absl::ascii_islower(c); });
  return is_word ? std::optional<absl::string_view>(name) : std::nullopt;
}

// Follows a script byte by byte: in a string, in a comment, or in code; code may stand in a string
// ("$[...]") and strings in that again.
class Reader {
 public:
  explicit Reader(absl::string_view script) : script_(script) {}

  bool InString() const { return !frames_.empty() && frames_.back() == '"'; }
  bool InComment() const { return comment_; }

  // Takes the byte at `at`; how many were taken.
  size_t Take(size_t at) {
    const char c = script_[at];
    if (comment_) {
      if (c == '\n') comment_ = false;
      begins_ = c == '\n';
      return 1;
    }
    // The byte behind a backslash never ends a string, nor begins anything.
    if (c == '\\') {
      begins_ = false;
      return 2;
    }
    if (InString()) return TakeInString(at);
    TakeInCode(c);
    return 1;
  }

  // A placeholder is no begin of a command.
  void Pass() { begins_ = false; }

 private:
  size_t TakeInString(size_t at) {
    if (script_[at] == '"') frames_.pop_back();
    const absl::string_view two = script_.substr(at, 2);
    // Code inside of a string: until its bracket closes, quotes begin strings again.
    if (two == "$[" || two == "$(") {
      frames_.push_back(two[1] == '[' ? ']' : ')');
      begins_ = true;
      return 2;
    }
    return 1;
  }

  void TakeInCode(char c) {
    if (c == '#' && begins_) {
      comment_ = true;
      return;
    }
    if (c == '"') frames_.push_back('"');
    if (c == '[') frames_.push_back(']');
    if (c == '(') frames_.push_back(')');
    if (c == '{') frames_.push_back('}');
    // A bracket that doesn't fit is left for the router to refuse.
    if (!frames_.empty() && c == frames_.back() && c != '"') frames_.pop_back();
    const bool blank = c == ' ' || c == '\t' || c == '\r';
    if (!blank) begins_ = c == '\n' || c == ';' || c == '{' || c == '[';
  }

  absl::string_view script_;
  // What closes each open string or bracket.
  std::vector<char> frames_;
  bool comment_ = false;
  // At the begin of a command, where # begins a comment.
  bool begins_ = true;
};

// Next to one of these bytes a quoted text is a word of its own. Anything else would make a word of
// two halves, of which RouterOS reads what it likes.
bool StandsAlone(absl::string_view script, size_t begin, size_t end) {
  constexpr absl::string_view kBefore = " \t\r\n=([{;,";
  constexpr absl::string_view kAfter = " \t\r\n)]};,";
  const bool before = begin == 0 || absl::StrContains(kBefore, script[begin - 1]);
  const bool after = end == script.size() || absl::StrContains(kAfter, script[end]);
  return before && after;
}

Place PlaceOf(absl::string_view script, const Reader& reader, size_t begin, size_t end) {
  if (reader.InComment()) return Place::kComment;
  if (reader.InString()) return Place::kString;
  return StandsAlone(script, begin, end) ? Place::kAlone : Place::kWord;
}

// 18 digits fit 64 bits. Not quoted: in an expression a quoted number would be a text.
bool IsWholeNumber(absl::string_view value) {
  absl::ConsumePrefix(&value, "-");
  return !value.empty() && value.size() <= 18 &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

// Letters, digits and three marks as they are; every other byte as \XX, so that no list of
// dangerous ones has to be complete.
std::string Escape(absl::string_view value) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : value) {
    if (IsWordByte(c)) {
      text.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text.push_back('\\');
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  return text;
}

}  // namespace

std::optional<std::string> SecretNameOf(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "secret:")) return std::nullopt;
  return std::string(name);
}

std::optional<std::string> LabelKeyOf(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "label.")) return std::nullopt;
  return std::string(name);
}

bool IsPlainWord(absl::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), IsWordByte);
}

// One pass; a value that is filled in is never read again.
absl::StatusOr<std::vector<Placeholder>> FindPlaceholders(absl::string_view script) {
  std::vector<Placeholder> found;
  Reader reader(script);
  for (size_t at = 0; at < script.size();) {
    const std::optional<absl::string_view> name = NameAt(script, at);
    if (!name.has_value()) {
      // May step behind the end by one: a backslash as the last byte.
      at += reader.Take(at);
      continue;
    }
    if (!IsKnownName(*name)) {
      const auto line =
          1 + std::count(script.begin(), script.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line, ": {{", *name,
                       "}} is nothing that can be filled in; there is {{label.KEY}}, "
                       "{{device.name}}, {{device.id}}, {{device.site}} and {{secret:NAME}}"));
    }
    const size_t end = at + name->size() + 4;
    found.push_back({at, end, std::string(*name), PlaceOf(script, reader, at, end)});
    reader.Pass();
    at = end;
  }
  return found;
}

absl::StatusOr<std::string> ValueText(Place place, absl::string_view name,
                                      absl::string_view value) {
  switch (place) {
    case Place::kString:
    case Place::kComment:
      return Escape(value);
    case Place::kAlone:
      return IsWholeNumber(value) ? std::string(value) : absl::StrCat("\"", Escape(value), "\"");
    case Place::kWord:
      break;
  }
  if (IsPlainWord(value)) return std::string(value);
  return absl::FailedPreconditionError(
      absl::StrCat("the value of ", name,
                   " can't stand in a bare word of the script: put the whole word in quotes"));
}

absl::StatusOr<std::string> FillPlaceholders(
    absl::string_view script, const std::function<bool(absl::string_view name)>& wanted,
    const std::function<std::optional<std::string>(absl::string_view name)>& value_of) {
  ASSIGN_OR_RETURN(const std::vector<Placeholder> found, FindPlaceholders(script));
  std::string text;
  size_t done = 0;
  for (const Placeholder& placeholder : found) {
    if (!wanted(placeholder.name)) continue;
    const std::optional<std::string> value = value_of(placeholder.name);
    if (!value.has_value()) {
      return absl::NotFoundError(absl::StrCat(placeholder.name, " has no value"));
    }
    ASSIGN_OR_RETURN(const std::string piece,
                     ValueText(placeholder.place, placeholder.name, *value));
    absl::StrAppend(&text, script.substr(done, placeholder.begin - done), piece);
    done = placeholder.end;
  }
  absl::StrAppend(&text, script.substr(done));
  return text;
}

}  // namespace muster::routeros
