// A place in a script's text: skips what means nothing, reads words, names and escapes, and
// knows line and column.
//
// Names are read as broadly as RouterOS has them and are judged by the parser, which alone knows
// the tree.
// Threads:  not safe; belongs to one parser.
// Units:    lines and columns count from 1; columns count bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::routeros::language {

// Where something stands, as an editor shows it.
struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
};

class Cursor {
 public:
  // `text` must outlive the cursor.
  explicit Cursor(absl::string_view text);

  // To be asked before a Peek that has to tell a NUL from the end.
  bool AtEnd() const { return position_ >= text_.size(); }
  // '\0' at the end; a real NUL byte is told apart by AtEnd.
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  // May move behind the end, where Peek answers '\0'.
  void Skip(size_t bytes = 1) { position_ += bytes; }
  size_t position() const { return position_; }
  void MoveTo(size_t position) { position_ = position; }
  // A view into the text, which the caller keeps alive.
  absl::string_view Slice(size_t from, size_t to) const { return text_.substr(from, to - from); }
  // Takes a moment (a search by halving): for errors and nodes, not for each byte.
  Place PlaceAt(size_t position) const;
  Place Here() const { return PlaceAt(position_); }

  // A backslash at a line's end joins two lines everywhere between words, as `/export` writes them.
  // Spaces, tabs, carriage returns and backslash-newline.
  void SkipBlanks();
  // A "#" is a comment only where a statement may begin: elsewhere it is a byte of a word.
  // The same and newlines, semicolons and comments: all that may stand between statements.
  void SkipBetweenStatements();
  // A byte that may stand in an unquoted word.
  static bool IsWordByte(char c);
  // Letters, digits and inner dashes and dots, beginning with a letter, digit or dot: names of
  // commands, arguments and properties. Empty where none stands here.
  absl::string_view PeekName() const;
  // Letters and digits: a variable's name without quotes.
  // Ends at a dash, which is a minus there: "$a-1".
  absl::string_view PeekVariableName() const;
  // Reads the escape behind a backslash (which is skipped already); false where it is none that
  // RouterOS knows. A line break joins lines and adds nothing.
  // Two upper-case hex digits are a byte; named escapes (`\n`, `\a`) are lower case.
  bool ReadEscape(std::string* out);

 private:
  absl::string_view text_;
  size_t position_ = 0;
  std::vector<size_t> line_starts_;
};

}  // namespace muster::routeros::language
