// Ids as people read them. The alphabet leaves out i, l, o and u, as Crockford's does.
#include "common/ids/ids.h"

#include <sodium.h>

#include "absl/strings/ascii.h"

namespace muster {
namespace {

constexpr absl::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kCharacters = 13;  // 65 bits: the first character is 0 or 1 .. f

}  // namespace

uint64_t RandomId() {
  uint64_t value = 0;
  // 0 means "none" in every id.
  while (value == 0) randombytes_buf(&value, sizeof value);
  return value;
}

std::string FormatId(uint64_t value) {
  std::string text(kCharacters, '0');
  for (int i = kCharacters - 1; i >= 0; --i) {
    // From the end: 12 times 5 bits and 4 at the front.
    text[i] = kAlphabet[value & 31];
    value >>= 5;
  }
  return text;
}

std::optional<uint64_t> ParseId(absl::string_view text) {
  if (text.size() != kCharacters) return std::nullopt;
  uint64_t value = 0;
  for (int i = 0; i < kCharacters; ++i) {
    const size_t digit = kAlphabet.find(text[i]);
    if (digit == absl::string_view::npos) return std::nullopt;
    // The first character holds 4 bits; more would be a 65th bit, and a second spelling.
    if (i == 0 && digit > 15) return std::nullopt;
    value = (value << 5) | digit;
  }
  if (value == 0) return std::nullopt;
  return value;
}

bool IsSlug(absl::string_view text) {
  // Also a file's name, a host's label and a SPIFFE path: the narrowest of the three counts.
  if (text.size() < 2 || text.size() > 32) return false;
  if (!absl::ascii_islower(text.front()) || text.back() == '-') return false;
  for (const char c : text) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') return false;
  }
  return true;
}

}  // namespace muster
