// Bytes to UTF-8. Every function here answers for every input, and the fuzz targets feed them all.
#include "routeros/heartbeat/repair.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/text/clean.h"

namespace muster::routeros {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// 0 also where the character is cut by the end of the text.
// Bytes of the well-formed character at the front; 0 where there is none.
size_t CharacterSize(absl::string_view text) {
  const unsigned char lead = text.front();
  const size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size == 0 || text.size() < size || lead > 0xF4) return 0;
  return size == 1 || IsUtf8(text.substr(0, size)) ? size : 0;
}

// `code` is no surrogate and at most 0x10FFFF: its callers have looked.
void AppendCodePoint(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

// Takes "uXXXX" off the front; -1 where it is not there.
int TakeUnicode(absl::string_view& text) {
  if (text.size() < 5 || text.front() != 'u') return -1;
  int code = 0;
  for (int i = 1; i < 5; ++i) {
    if (!absl::ascii_isxdigit(text[i])) return -1;
    const char c = absl::ascii_tolower(text[i]);
    code = code * 16 + (absl::ascii_isdigit(c) ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(5);
  return code;
}

// `text` begins behind the backslash.
void TakeEscape(absl::string_view& text, std::string& out, uint32_t* repaired) {
  static constexpr absl::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
  const size_t simple = text.empty() ? absl::string_view::npos : kNames.find(text.front());
  if (simple != absl::string_view::npos) {
    out.push_back(kValues[simple]);
    text.remove_prefix(1);
    return;
  }
  const int code = TakeUnicode(text);
  if (code >= 0 && (code < 0xD800 || code > 0xDFFF)) return AppendCodePoint(out, code);
  // The first half of a pair; its other half must follow as an escape.
  if (code >= 0xD800 && code < 0xDC00 && !text.empty() && text.front() == '\\') {
    absl::string_view ahead = text.substr(1);
    const int low = TakeUnicode(ahead);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      text = ahead;
      return AppendCodePoint(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
    }
  }
  // An unknown letter, a broken \u or a lone half.
  ++*repaired;
  out.append(kReplacement.data(), kReplacement.size());
}

// Bytes from the front to the quote that ends the string; all of them where none does.
size_t StringSize(absl::string_view json) {
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') return i;
    // The escaped byte can't end the string, whatever it is.
    if (json[i] == '\\') ++i;
  }
  return json.size();
}

// Newlines stay as \n; other controls can't stand in JSON.
// As the inside of a JSON string.
void AppendEscaped(absl::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(absl::ascii_iscntrl(c) ? ' ' : c);
    }
  }
}

// A copy in which each string that is no UTF-8 was read by the code page.
std::string ReadStrings(absl::string_view json, CodePage page, uint32_t* repaired) {
  std::string out;
  out.reserve(2 * json.size());
  while (!json.empty()) {
    const size_t quote = std::min(json.find('"'), json.size());
    const size_t outside = std::min(quote + 1, json.size());
    out.append(json.data(), outside);
    json.remove_prefix(outside);
    const size_t size = StringSize(json);
    const absl::string_view inside = json.substr(0, size);
    uint32_t broken_escapes = 0;
    // What the router meant, before its escaping byte by byte: only that can be read by a code
    // page.
    const std::string bytes = UnescapeJson(inside, &broken_escapes);
    if (WantsCodePage(bytes)) {
      *repaired += broken_escapes;
      AppendEscaped(ReadCodePage(bytes, page, repaired), out);
    } else {
      // Good UTF-8 is copied as it stands, escapes included.
      out.append(inside.data(), inside.size());
    }
    json.remove_prefix(size);
    if (json.empty()) break;
    out.push_back('"');
    json.remove_prefix(1);
  }
  return out;
}

}  // namespace

std::string RepairJson(absl::string_view json, CodePage page, uint32_t* repaired) {
  if (page != CodePage::kNone) {
    // What the code page couldn't mend is mended as without one.
    const std::string read = ReadStrings(json, page, repaired);
    return RepairJson(read, CodePage::kNone, repaired);
  }
  std::string out;
  out.reserve(json.size() + 64);
  // Only bytes inside of strings are counted: outside of them they break the structure anyway.
  bool in_string = false, escaped = false;
  while (!json.empty()) {
    const size_t size = CharacterSize(json);
    const unsigned char c = json.front();
    if (size == 0 || c < 0x20) {
      if (in_string) ++*repaired;
      // A byte for a byte: how long a bad sequence was meant to be can't be known.
      if (size == 0) {
        out.append(kReplacement.data(), kReplacement.size());
      } else {
        out.push_back(' ');
      }
      json.remove_prefix(1);
      escaped = false;
      continue;
    }
    if (!escaped && c == '"') in_string = !in_string;
    escaped = in_string && !escaped && c == '\\';
    out.append(json.data(), size);
    json.remove_prefix(size);
  }
  return out;
}

std::string UnescapeJson(absl::string_view raw, uint32_t* repaired) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    out.append(raw.data(), plain);
    raw.remove_prefix(plain);
    if (raw.empty()) break;
    raw.remove_prefix(1);
    TakeEscape(raw, out, repaired);
  }
  return out;
}

std::string RepairBytes(absl::string_view bytes, CodePage page, uint32_t* repaired) {
  if (IsUtf8(bytes)) return std::string(bytes);
  if (page != CodePage::kNone && WantsCodePage(bytes)) return ReadCodePage(bytes, page, repaired);
  std::string out;
  out.reserve(bytes.size() + 64);
  while (!bytes.empty()) {
    const size_t size = CharacterSize(bytes);
    if (size == 0) {
      ++*repaired;
      out.append(kReplacement.data(), kReplacement.size());
    } else {
      out.append(bytes.data(), size);
    }
    bytes.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

std::string CleanAndCut(absl::string_view text, size_t most_bytes, bool keep_line_breaks,
                        uint32_t* repaired) {
  std::string clean = CleanText(text, keep_line_breaks ? LineBreaks::kKeep : LineBreaks::kToSpace);
  if (clean != text) {
    // A count of bytes that changed, as well as it can be told without comparing: it shows that
    // something was wrong, and about how much.
    const size_t more = std::max(clean.size(), text.size());
    *repaired += std::max<size_t>(1, more - std::min(clean.size(), text.size()));
  }
  if (clean.size() > most_bytes) {
    size_t end = most_bytes;
    // Back to the first byte of the character that would be cut.
    while (end > 0 && (clean[end] & 0xC0) == 0x80) --end;
    *repaired += clean.size() - end;
    clean.resize(end);
  }
  return clean;
}

}  // namespace muster::routeros
