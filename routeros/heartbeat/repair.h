// Makes JSON readable that a router put together from text of any code page. RouterOS builds it by
// hand (:serialize came with 7.13 and turns texts of digits into numbers: MikroTik's manual,
// Scripting),
// escaping byte by byte and knowing nothing of code pages.
//
// Threads:  pure functions.
// Errors:   none: something readable always comes out, and `repaired` says how much was changed.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "routeros/heartbeat/code_page.h"

namespace muster::routeros {

// Only called where the JSON parser has refused the bytes: good bodies are not copied.
// A copy in which every control byte is a space and every byte that is not part of well-formed
// UTF-8 is U+FFFD; the structure of the JSON stays. With a code page, a string that is no UTF-8 is
// read by it as a whole: in some code pages the second byte of a character may be a backslash,
// which the agent has escaped as any other. Adds to `repaired` the bytes that were changed inside
// of strings.
std::string RepairJson(absl::string_view json, CodePage page, uint32_t* repaired);

// What stands between the quotes of a JSON string, without its escapes. A broken escape or a lone
// surrogate becomes U+FFFD and is counted.
std::string UnescapeJson(absl::string_view raw, uint32_t* repaired);

// Cleaned (common/text) and cut to `most_bytes` at a character's end; counts what that changed.
std::string CleanAndCut(absl::string_view text, size_t most_bytes, bool keep_line_breaks,
                        uint32_t* repaired);

// Any bytes as UTF-8: what is not well-formed is read by the code page, or becomes U+FFFD, and is
// counted.
std::string RepairBytes(absl::string_view bytes, CodePage page, uint32_t* repaired);

}  // namespace muster::routeros
