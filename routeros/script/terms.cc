// What may stand in a router's script: checks of terms, and small texts that several scripts share.
// A term that passes needs no escape in any of the places where it is put, which is why the rules
// are narrower than a URL's or a token's own grammar.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "routeros/script/fill.h"
#include "routeros/script/quoting.h"
#include "routeros/script/snippets.h"
#include "routeros/script/texts.h"

namespace muster::routeros {
namespace {

constexpr size_t kDigestDigits = 64;
constexpr size_t kClaimDigits = 32;
constexpr int kLastPort = 65535;
// More would only make the text longer: an agent goes to the next one after each failure.
constexpr size_t kMostUrls = 4;
constexpr size_t kLongestToken = 200;
// v6 sets at most 4,096 bytes of a file.
constexpr size_t kLongestPem = 3000;

// From 7.15 a fetch ends after 10 s in which nothing was read or written (manual, Fetch). Over 2G
// the first byte of an answer may take longer: routers of the profile `slow` wait as long as an
// edge does.
constexpr char kPatience[] = " idle-timeout=30s";
constexpr char kNoRedirect[] = " http-max-redirect-count=0";

// Of the arguments of fetch, those that only some versions know (idle-timeout 7.15,
// http-max-redirect-count 7.18), better ones later.
std::vector<std::string> FetchTries(Profile profile) {
  if (profile != Profile::kSlow) return {kNoRedirect};
  return {kPatience, absl::StrCat(kPatience, kNoRedirect)};
}

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

// No path, no user, no "?", which asks for help on early versions, and no trailing slash, since
// paths are put behind it.
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

// base64url's letters: neither a quote nor a comma, at which a header field would end.
bool IsToken(absl::string_view text) {
  return text.size() <= kLongestToken && absl::ConsumePrefix(&text, "m1.") &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
}

}  // namespace

absl::string_view PolicyOf(bool monitor_only) {
  return monitor_only ? kMonitorPolicy : kFullPolicy;
}

// The URL is shown back cut, since it may be anything; digest and claim are never shown.
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

absl::Status CheckAgentTerms(const AgentTerms& terms) {
  if (terms.urls.empty() || terms.urls.size() > kMostUrls) {
    return absl::InvalidArgumentError(
        absl::StrCat("an agent posts to 1 to 4 URLs, not to ", terms.urls.size()));
  }
  // Agent text holds no claim: a well-formed one stands in for it.
  const std::string no_claim(kClaimDigits, '0');
  for (const std::string& url : terms.urls) {
    RETURN_IF_ERROR(CheckTerms(url, terms.root_sha256, no_claim));
  }
  if (terms.new_root_pem.empty() != terms.new_root_sha256.empty() ||
      (!terms.new_root_sha256.empty() && !IsLowerHex(terms.new_root_sha256, kDigestDigits)) ||
      terms.new_root_pem.size() > kLongestPem) {
    return absl::InvalidArgumentError(
        "a new router root is a PEM of at most 3,000 bytes and its SHA-256 in lower-case hex");
  }
  if (!terms.token.empty() && !IsToken(terms.token)) {
    return absl::InvalidArgumentError("the token for a router's script isn't one");
  }
  if (!std::all_of(terms.dns_address.begin(), terms.dns_address.end(),
                   [](char c) { return absl::ascii_isdigit(c) || c == '.'; })) {
    return absl::InvalidArgumentError("the address of a DNS entry must be an IPv4 address");
  }
  return absl::OkStatus();
}

AgentTerms AgentOf(const InstallerTerms& terms) {
  AgentTerms agent;
  agent.urls = terms.urls.empty() ? std::vector<std::string>{terms.url} : terms.urls;
  agent.root_sha256 = terms.root_sha256;
  agent.monitor_only = terms.monitor_only;
  agent.profile = terms.profile;
  agent.dns_address = terms.dns_address;
  agent.new_root_pem = terms.new_root_pem;
  agent.new_root_sha256 = terms.new_root_sha256;
  return agent;
}

std::string AgentName(const AgentTerms& terms) {
  return terms.generation == 0 ? std::string(AgentVersion())
                               : absl::StrCat(AgentVersion(), "+", terms.generation);
}

std::string UrlList(const std::vector<std::string>& urls) {
  std::vector<std::string> quoted;
  for (const std::string& url : urls) quoted.push_back(QuoteString(url));
  return absl::StrCat("{", absl::StrJoin(quoted, ";"), "}");
}

// The root that is trusted now and, while roots roll over, the one to come.
std::string PinList(const AgentTerms& terms) {
  std::vector<std::string> pins = {terms.root_sha256};
  if (!terms.new_root_sha256.empty()) pins.push_back(terms.new_root_sha256);
  return UrlList(pins);
}

// As the scheduler's `interval` prints it, since the guard cuts it from a comment by its length of
// 8.
std::string PeriodTime(Profile profile) {
  switch (profile) {
    case Profile::kMetered:
      return "00:05:00";
    case Profile::kSlow:
      return "00:01:00";
    case Profile::kNormal:
      break;
  }
  return "00:00:30";
}

std::string AgentComment(const AgentTerms& terms) {
  return absl::StrCat("Muster agent ", AgentName(terms), " ", PeriodTime(terms.profile));
}

std::string PostFunction(Profile profile) {
  std::string tries;
  for (const std::string& arguments : FetchTries(profile)) {
    tries += Fill(kPostTry, {{"@ARGUMENTS@", arguments}});
  }
  return Fill(kPostFunction, {{"@TRIES@", tries}});
}

// The last try is the outermost: what doesn't parse falls back to the one before.
std::string FromFunction(Profile profile) {
  std::string parse = R"(:set f [:parse (":return [" . $c . "]")])";
  for (const std::string& arguments : FetchTries(profile)) {
    parse = absl::StrCat(R"(:do { :set f [:parse (":return [" . $c . ")", arguments,
                         R"(]")] } on-error={ )", parse, " }");
  }
  return Fill(kFromFunction, {{"@PARSE@", parse}});
}

std::string HostOf(absl::string_view url) {
  absl::ConsumePrefix(&url, "https://");
  if (absl::ConsumePrefix(&url, "[")) return std::string(url.substr(0, url.find(']')));
  return std::string(url.substr(0, url.find(':')));
}

}  // namespace muster::routeros
