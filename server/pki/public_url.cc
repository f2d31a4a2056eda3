// Reading the URL of an edge. Strict, because it goes into certificates, into script text on every
// router and into lines that people paste: one form, no path, no user, no query.
#include "server/pki/public_url.h"

#include <arpa/inet.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "common/text/clean.h"

namespace muster::server {
namespace {

absl::Status WrongUrl(absl::string_view url) {
  return absl::InvalidArgumentError(absl::StrCat(
      "public URL \"", CleanText(url),
      "\" must be https://HOST or https://HOST:PORT, with a DNS name or an address and no path"));
}

bool IsLabel(absl::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
    return false;
  }
  for (const char c : label) {
    if (!absl::ascii_isalnum(c) && c != '-') return false;
  }
  return true;
}

// Splits "host", "host:port", "[v6]" or "[v6]:port"; false for anything else.
bool SplitHostAndPort(absl::string_view text, absl::string_view& host, absl::string_view& port) {
  port = "";
  // Of a name or an IPv4 address; IPv6 needs its brackets.
  size_t host_end = text.find(':');
  if (!text.empty() && text.front() == '[') {
    const size_t bracket = text.find(']');
    if (bracket == absl::string_view::npos) return false;
    host = text.substr(1, bracket - 1);
    // Brackets around anything else.
    if (host.find(':') == absl::string_view::npos) return false;
    text.remove_prefix(bracket + 1);
    if (text.empty()) return true;
    if (text.front() != ':') return false;
    host_end = 0;
  } else {
    host = text.substr(0, host_end);
  }
  if (host_end == absl::string_view::npos) return true;
  port = text.substr(host_end + 1);
  return !port.empty();
}

}  // namespace

bool IsDnsName(absl::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (const absl::string_view label : absl::StrSplit(text, '.')) {
    if (!IsLabel(label)) return false;
  }
  return true;
}

bool IsAddress(absl::string_view text) {
  unsigned char address[16];
  const std::string copy(text);
  return inet_pton(AF_INET, copy.c_str(), address) == 1 ||
         inet_pton(AF_INET6, copy.c_str(), address) == 1;
}

absl::StatusOr<PublicUrl> ParsePublicUrl(absl::string_view url) {
  absl::string_view rest = url;
  absl::string_view host;
  absl::string_view port;
  if (!absl::ConsumePrefix(&rest, "https://") || !SplitHostAndPort(rest, host, port)) {
    return WrongUrl(url);
  }
  PublicUrl parsed;
  // Names are compared as bytes further on.
  parsed.host = absl::AsciiStrToLower(host);
  parsed.host_is_address = IsAddress(parsed.host);
  if (!parsed.host_is_address && !IsDnsName(parsed.host)) return WrongUrl(url);
  if (!port.empty()) {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) return WrongUrl(url);
    parsed.port = static_cast<uint16_t>(number);
  }
  return parsed;
}

}  // namespace muster::server
