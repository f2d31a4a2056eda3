#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

constexpr size_t kDigestDigits = 64;
constexpr size_t kClaimDigits = 32;
constexpr int kLastPort = 65535;

bool IsLowerHex(absl::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsPort(absl::string_view text) {
  int port = 0;
  return text.size() <= 5 && absl::SimpleAtoi(text, &port) && port > 0 && port <= kLastPort &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

bool IsHostByte(char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.'; }
bool IsAddressByte(char c) { return absl::ascii_isxdigit(c) || c == ':' || c == '.'; }

bool IsUrl(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "https://")) return false;
  size_t end = 0;
  if (absl::ConsumePrefix(&url, "[")) {
    end = url.find(']');
    if (end == absl::string_view::npos || end == 0) return false;
    if (!std::all_of(url.begin(), url.begin() + end, IsAddressByte)) return false;
    url.remove_prefix(end + 1);
  } else {
    end = std::min(url.find(':'), url.size());
    if (end == 0 || !std::all_of(url.begin(), url.begin() + end, IsHostByte)) return false;
    url.remove_prefix(end);
  }
  return url.empty() || (absl::ConsumePrefix(&url, ":") && IsPort(url));
}

}  // namespace

absl::string_view PolicyOf(const InstallerTerms& terms) {
  return terms.monitor_only ? kMonitorPolicy : kFullPolicy;
}

absl::Status CheckTerms(absl::string_view url, absl::string_view root_sha256,
                        absl::string_view claim) {
  if (!IsUrl(url)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", url.substr(0, 200),
                     "\" can't stand in a router's script; give https://HOST or "
                     "https://HOST:PORT with no slash at the end"));
  }
  if (!IsLowerHex(root_sha256, kDigestDigits)) {
    return absl::InvalidArgumentError(
        "the router root's SHA-256 must be 64 lower-case hex digits without colons");
  }
  if (!IsLowerHex(claim, kClaimDigits)) {
    return absl::InvalidArgumentError("a claim must be 32 lower-case hex digits");
  }
  return absl::OkStatus();
}

std::string HostOf(absl::string_view url) {
  absl::ConsumePrefix(&url, "https://");
  if (absl::ConsumePrefix(&url, "[")) return std::string(url.substr(0, url.find(']')));
  return std::string(url.substr(0, url.find(':')));
}

}  // namespace muster::routeros
