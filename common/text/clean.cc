// The one place that decides which characters may reach a terminal, a log or a file of ours. A
// router's name is a stranger's text: it can carry escape sequences that rewrite a screen, or marks
// that turn the order of letters round.
#include "common/text/clean.h"

#include <cstdint>

namespace muster {
namespace {

constexpr char32_t kBroken = 0xFFFFFFFF;
constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// Takes one code point off the front; kBroken (and one byte) where it is malformed.
char32_t TakeCodePoint(absl::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  // Bounds by the first byte; C0, C1 and F5 and above never begin a character.
  size_t size = 1;
  char32_t value = first;
  char32_t least = 0;
  if (first >= 0xF0 && first <= 0xF4) {
    size = 4, value = first & 0x07, least = 0x10000;
  } else if (first >= 0xE0 && first < 0xF0) {
    size = 3, value = first & 0x0F, least = 0x800;
  } else if (first >= 0xC2 && first < 0xE0) {
    size = 2, value = first & 0x1F, least = 0x80;
  } else if (first >= 0x80) {
    text.remove_prefix(1);
    return kBroken;
  }
  for (size_t i = 1; i < size; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0) != 0x80) {
      text.remove_prefix(1);
      return kBroken;
    }
    value = (value << 6) | (byte(i) & 0x3F);
  }
  // Overlong forms are how filters were fooled; surrogates are no characters.
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    text.remove_prefix(1);
    return kBroken;
  }
  text.remove_prefix(size);
  return value;
}

bool Between(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

// C0 and C1 controls, soft hyphen, bidirectional marks and overrides, zero-width characters, line
// and paragraph separators, the byte order mark, annotations and tags.
bool IsInvisible(char32_t c) {
  return c < 0x20 || Between(c, 0x7F, 0x9F) || c == 0xAD || c == 0x61C ||
         Between(c, 0x200B, 0x200F) || Between(c, 0x2028, 0x202E) || Between(c, 0x2060, 0x206F) ||
         c == 0xFEFF || Between(c, 0xFFF9, 0xFFFB) || Between(c, 0xE0000, 0xE007F);
}

// The whole sequence goes, since what is left of it would be shown as rubbish.
// Drops what follows an ESC: a CSI up to its final byte, an OSC, DCS, SOS, PM or APC up to BEL or
// ST, else one character.
void SkipEscapeSequence(absl::string_view& text) {
  if (text.empty()) return;
  const char kind = text[0];
  text.remove_prefix(1);
  if (kind == '[') {
    while (!text.empty() && text[0] >= 0x20 && text[0] < 0x40) text.remove_prefix(1);
    if (!text.empty() && text[0] >= 0x40 && text[0] < 0x7F) text.remove_prefix(1);
  } else if (kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_') {
    // A string sequence that never ends takes at most the rest of its line.
    while (!text.empty() && text[0] != '\a' && text[0] != '\x1B' && text[0] != '\n') {
      text.remove_prefix(1);
    }
    if (!text.empty() && text[0] == '\a') {
      text.remove_prefix(1);
    } else if (text.size() >= 2 && text[0] == '\x1B' && text[1] == '\\') {
      text.remove_prefix(2);
    }
  }
}

// A short table instead of Unicode's whole: it is for columns, and an error moves one by a place.
int WidthOf(char32_t c) {
  if (Between(c, 0x300, 0x36F) || Between(c, 0x483, 0x489) || Between(c, 0x591, 0x5BD) ||
      Between(c, 0x64B, 0x65F) || Between(c, 0x1AB0, 0x1AFF) || Between(c, 0x1DC0, 0x1DFF) ||
      Between(c, 0x20D0, 0x20FF) || Between(c, 0xFE00, 0xFE0F) || Between(c, 0xFE20, 0xFE2F)) {
    return 0;
  }
  if (Between(c, 0x1100, 0x115F) || Between(c, 0x2E80, 0x303E) || Between(c, 0x3041, 0xA4CF) ||
      Between(c, 0xAC00, 0xD7A3) || Between(c, 0xF900, 0xFAFF) || Between(c, 0xFE30, 0xFE6F) ||
      Between(c, 0xFF00, 0xFF60) || Between(c, 0xFFE0, 0xFFE6) || Between(c, 0x1F300, 0x1F64F) ||
      Between(c, 0x1F680, 0x1F6FF) || Between(c, 0x1F900, 0x1F9FF) ||
      Between(c, 0x20000, 0x3FFFD)) {
    return 2;
  }
  return 1;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    if (TakeCodePoint(text) == kBroken) return false;
  }
  return true;
}

std::string CleanText(absl::string_view text, LineBreaks line_breaks) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const absl::string_view before = text;
    const char32_t c = TakeCodePoint(text);
    if (c == kBroken) {
      clean.append(kReplacement.data(), kReplacement.size());
    } else if (c == 0x1B) {
      SkipEscapeSequence(text);
    } else if (c == '\n' || c == '\t') {
      clean.push_back(line_breaks == LineBreaks::kKeep ? static_cast<char>(c) : ' ');
      // Where line breaks stay it would bring a terminal back to the line's start.
    } else if (c == '\r') {
      if (line_breaks == LineBreaks::kToSpace) clean.push_back(' ');
    } else if (!IsInvisible(c)) {
      clean.append(before.data(), before.size() - text.size());
    }
  }
  return clean;
}

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) width += WidthOf(TakeCodePoint(text));
  return width;
}

}  // namespace muster
