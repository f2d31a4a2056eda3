// Bytes of a script. What is a word, a name or an escape is decided here and nowhere else; what it
// means, the parser knows.
#include "routeros/language/cursor.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace muster::routeros::language {
namespace {

// MikroTik's scripting manual, "Constant escape sequences".
// RouterOS writes and reads hex digits of escapes in upper case only.
int UpperHexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// '\0' for none: NUL has no name.
char SimpleEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '$':
    case '?':
      return c;
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '_':
      return ' ';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    default:
      return '\0';
  }
}

}  // namespace

Cursor::Cursor(absl::string_view text) : text_(text) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Place Cursor::PlaceAt(size_t position) const {
  // Line starts are sorted, and the first is 0, so there is always one at or before the position.
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), position);
  const size_t line = static_cast<size_t>(after - line_starts_.begin());
  return {static_cast<uint32_t>(line),
          static_cast<uint32_t>(position - line_starts_[line - 1] + 1)};
}

// A line that ends in a backslash goes on, so its break is a blank.
void Cursor::SkipBlanks() {
  while (!AtEnd()) {
    const char c = Peek();
    if (c == ' ' || c == '\t' || c == '\r') {
      Skip();
    } else if (c == '\\' && Peek(1) == '\n') {
      Skip(2);
      // Files that came from Windows.
    } else if (c == '\\' && Peek(1) == '\r' && Peek(2) == '\n') {
      Skip(3);
    } else {
      return;
    }
  }
}

void Cursor::SkipBetweenStatements() {
  while (true) {
    SkipBlanks();
    if (AtEnd()) return;
    const char c = Peek();
    if (c == '\n' || c == ';') {
      Skip();
      // Only here, where a statement may begin; the parser never asks for this inside of one.
    } else if (c == '#') {
      while (!AtEnd() && Peek() != '\n') Skip();
    } else {
      return;
    }
  }
}

bool Cursor::IsWordByte(char c) {
  const unsigned char byte = static_cast<unsigned char>(c);
  // Bytes above ASCII stand in quotes only.
  if (byte <= ' ' || byte >= 0x7f) return false;
  switch (c) {
    case ';':
    case '"':
    case '[':
    case ']':
    case '{':
    case '}':
    case '(':
    case ')':
    case '$':
    case '\\':
      return false;
    default:
      return true;
  }
}

// Dots belong to names because of ".id".
absl::string_view Cursor::PeekName() const {
  size_t end = position_;
  while (end < text_.size()) {
    const char c = text_[end];
    // "as-value" is one name, "-1" is not.
    const bool inner = c == '-' && end > position_;
    if (!absl::ascii_isalnum(c) && !inner && c != '.') break;
    ++end;
  }
  return text_.substr(position_, end - position_);
}

absl::string_view Cursor::PeekVariableName() const {
  size_t end = position_;
  while (end < text_.size() && absl::ascii_isalnum(text_[end])) ++end;
  return text_.substr(position_, end - position_);
}

bool Cursor::ReadEscape(std::string* out) {
  const char c = Peek();
  // A joined line with a Windows line end.
  if (c == '\r' && Peek(1) == '\n') Skip();
  if (Peek() == '\n') {
    Skip();
    while (Peek() == ' ' || Peek() == '\t') Skip();
    return true;
  }
  // Before the named ones: no name is a digit or an upper-case letter, so nothing is taken from
  // them.
  const int high = UpperHexDigit(c);
  const int low = UpperHexDigit(Peek(1));
  if (high >= 0 && low >= 0) {
    out->push_back(static_cast<char>(high * 16 + low));
    Skip(2);
    return true;
  }
  const char simple = SimpleEscape(c);
  if (AtEnd() || simple == '\0') return false;
  out->push_back(simple);
  Skip();
  return true;
}

}  // namespace muster::routeros::language
