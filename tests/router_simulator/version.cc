#include "tests/router_simulator/version.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace muster::simulator {
namespace {

std::optional<int> TakeNumber(absl::string_view* text) {
  int value = 0;
  size_t digits = 0;
  while (digits < text->size() && digits < 4 && absl::ascii_isdigit((*text)[digits])) {
    value = value * 10 + ((*text)[digits] - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text->remove_prefix(digits);
  return value;
}

bool TakeDot(absl::string_view* text) {
  if (text->empty() || (*text)[0] != '.') return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

absl::StatusOr<RouterVersion> ParseRouterVersion(absl::string_view text) {
  RouterVersion version;
  version.text = std::string(text);
  absl::string_view rest = text;
  const std::optional<int> major = TakeNumber(&rest);
  const bool dot = TakeDot(&rest);
  const std::optional<int> minor = TakeNumber(&rest);
  version.patch = 0;
  if (TakeDot(&rest)) version.patch = TakeNumber(&rest).value_or(0);
  const bool suffix_good = rest.empty() || rest.substr(0, 4) == "beta" || rest.substr(0, 2) == "rc";
  if (!major || !dot || !minor || !suffix_good) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a RouterOS version such as 6.49.10 or 7.20.8"));
  }
  version.major = *major;
  version.minor = *minor;
  if (!version.AtLeast(6, 40) || version.major > 7) {
    return absl::InvalidArgumentError(
        absl::StrCat("RouterOS ", text, " is not simulated; give 6.40 to 7.x"));
  }
  return version;
}

}  // namespace muster::simulator
