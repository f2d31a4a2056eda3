#include "edge-proxy/http/payload_path.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace muster::edge {
namespace {

template <typename Number>
bool ReadDigits(absl::string_view text, Number* number) {
  // SimpleAtoi takes blanks and signs, and one thing would have many names; so digits only, and no
  // leading zero.
  return !text.empty() && text.front() != '0' &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); }) &&
         absl::SimpleAtoi(text, number);
}

}  // namespace

std::optional<PayloadPath> ParsePayloadPath(absl::string_view target) {
  if (!absl::ConsumePrefix(&target, "/v1/payload/")) return std::nullopt;
  const size_t slash = target.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  PayloadPath path;
  if (!ReadDigits(target.substr(0, slash), &path.number) ||
      !ReadDigits(target.substr(slash + 1), &path.part) || path.part > kMostParts) {
    return std::nullopt;
  }
  return path;
}

}  // namespace muster::edge
