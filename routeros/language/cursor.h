// A place in a script's text: skips what means nothing, reads words, names and escapes, and
// knows line and column.
//
// Threads:  not safe; belongs to one parser.
// Units:    lines and columns count from 1; columns count bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::routeros::language {

struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
};

class Cursor {
 public:
  explicit Cursor(absl::string_view text);

  bool AtEnd() const { return position_ >= text_.size(); }
  // '\0' at the end; a real NUL byte is told apart by AtEnd.
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  void Skip(size_t bytes = 1) { position_ += bytes; }
  size_t position() const { return position_; }
  void MoveTo(size_t position) { position_ = position; }
  absl::string_view Slice(size_t from, size_t to) const { return text_.substr(from, to - from); }
  Place PlaceAt(size_t position) const;
  Place Here() const { return PlaceAt(position_); }

  // Spaces, tabs, carriage returns and backslash-newline.
  void SkipBlanks();
  // The same and newlines, semicolons and comments: all that may stand between statements.
  void SkipBetweenStatements();
  // A byte that may stand in an unquoted word.
  static bool IsWordByte(char c);
  // Letters, digits and inner dashes and dots, beginning with a letter, digit or dot: names of
  // commands, arguments and properties. Empty where none stands here.
  absl::string_view PeekName() const;
  // Letters and digits: a variable's name without quotes.
  absl::string_view PeekVariableName() const;
  // Reads the escape behind a backslash (which is skipped already); false where it is none that
  // RouterOS knows. A line break joins lines and adds nothing.
  bool ReadEscape(std::string* out);

 private:
  absl::string_view text_;
  size_t position_ = 0;
  std::vector<size_t> line_starts_;
};

}  // namespace muster::routeros::language
