// One form in both directions: what a trailer gave must be taken back as it is. 16 bytes of log id
// are 32 hex digits, which is where the colon has to stand.
#include "server/grpc_api/position_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::server {

std::string FormatPosition(const Position& position) {
  return absl::StrCat(absl::BytesToHexString(position.log_id), ":", position.index);
}

std::optional<Position> ParsePosition(absl::string_view text) {
  const size_t colon = text.find(':');
  if (colon != 32) return std::nullopt;
  // HexStringToBytes of this Abseil reads any character as some digit, so the digits are looked at
  // first.
  for (const char c : text.substr(0, colon)) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  Position position;
  position.log_id = absl::HexStringToBytes(text.substr(0, colon));
  if (!absl::SimpleAtoi(text.substr(colon + 1), &position.index)) return std::nullopt;
  return position;
}

}  // namespace muster::server
