// How text of a router that is no UTF-8 is read: RouterOS keeps the bytes that a terminal sent, in
// whatever code page that terminal had.
//
// Only what is no UTF-8 is read so: a name that was typed in a UTF-8 terminal is right as it is, in
// whatever code page the organization's older terminals were.
// The tables are those of the C library (iconv); a code page whose table is not installed counts as
// none.
//
// Threads:  safe to call from any thread; each thread keeps converters of its own.
// Errors:   none: a byte that the code page does not have becomes U+FFFD and is counted.
// Example:  code_page_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace muster::routeros {

// Numbers are those of muster.edge.v1.CodePage.
enum class CodePage : uint8_t {
  kNone = 1,
  kWindows1250 = 2,
  kWindows1251 = 3,
  kWindows1252 = 4,
  kWindows1253 = 5,
  kWindows1254 = 6,
  kWindows1255 = 7,
  kWindows1256 = 8,
  kWindows1257 = 9,
  kWindows1258 = 10,
  kGbk = 11,
  kBig5 = 12,
  kShiftJis = 13,
  kEucKr = 14,
  kKoi8R = 15,
  kIso8859_2 = 16,
  kTis620 = 17,
};

// kNone for a number that this program doesn't know.
CodePage CodePageOf(uint32_t number);

// True where `text` is to be read by a code page: it is no UTF-8, and not merely UTF-8 whose last
// character was cut off.
bool WantsCodePage(absl::string_view text);

// `repaired` counts them though nothing was broken, so that an operator sees that text of a code
// page is there.
// `text` as UTF-8. Adds to `repaired` the bytes above 0x7F, since each was read anew. Not for
// kNone.
std::string ReadCodePage(absl::string_view text, CodePage page, uint32_t* repaired);

}  // namespace muster::routeros
