// Versions as routers write them, and what Muster needs to know of them: which family's text a
// router can load.
#include "routeros/script/version.h"

#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::routeros {
namespace {

// Bounds for a text from a stranger: it stands in the path of `GET /b/VERSION`.
constexpr size_t kLongestVersion = 64;
constexpr size_t kLongestNumber = 4;

absl::Status NoVersion(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text.substr(0, kLongestVersion),
                   "\" is not a RouterOS version; one looks like 6.49.10, 7.20.8 or 7.21beta3"));
}

// Takes leading digits off `text`; false if there are none or too many.
bool TakeNumber(absl::string_view& text, int& number) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  if (digits == 0 || digits > kLongestNumber) return false;
  if (!absl::SimpleAtoi(text.substr(0, digits), &number)) return false;
  text.remove_prefix(digits);
  return true;
}

bool TakeSuffix(absl::string_view& text, std::string& suffix) {
  for (absl::string_view name : {"alpha", "beta", "rc"}) {
    if (text.substr(0, name.size()) != name) continue;
    absl::string_view rest = text.substr(name.size());
    int number = 0;
    if (!TakeNumber(rest, number)) return false;
    suffix = absl::StrCat(name, number);
    text = rest;
    return true;
  }
  return true;
}

// 0 alpha, 1 beta, 2 rc, 3 release, and the number behind it.
std::tuple<int, int> SuffixRank(absl::string_view suffix) {
  int rank = 0;
  for (absl::string_view name : {"alpha", "beta", "rc"}) {
    int number = 0;
    if (suffix.substr(0, name.size()) == name &&
        absl::SimpleAtoi(suffix.substr(name.size()), &number)) {
      return {rank, number};
    }
    ++rank;
  }
  return {rank, 0};
}

bool AtLeast(const Version& version, int major, int minor) {
  return CompareVersions(version, Version{major, minor, 0, ""}) >= 0;
}

}  // namespace

absl::StatusOr<Version> ParseVersion(absl::string_view text) {
  absl::string_view rest = text;
  if (rest.size() > kLongestVersion) return NoVersion(text);
  // "7.20.8 (stable)": the channel says nothing about the language.
  const size_t space = rest.find(' ');
  if (space != absl::string_view::npos) {
    const absl::string_view channel = rest.substr(space + 1);
    if (channel.size() < 2 || channel.front() != '(' || channel.back() != ')') {
      return NoVersion(text);
    }
    rest = rest.substr(0, space);
  }
  Version version;
  if (!TakeNumber(rest, version.major) || rest.substr(0, 1) != ".") return NoVersion(text);
  rest.remove_prefix(1);
  if (!TakeNumber(rest, version.minor)) return NoVersion(text);
  if (rest.substr(0, 1) == ".") {
    rest.remove_prefix(1);
    if (!TakeNumber(rest, version.patch)) return NoVersion(text);
  }
  if (!TakeSuffix(rest, version.suffix) || !rest.empty()) return NoVersion(text);
  return version;
}

std::string FormatVersion(const Version& version) {
  std::string text = absl::StrCat(version.major, ".", version.minor);
  if (version.patch != 0) absl::StrAppend(&text, ".", version.patch);
  return absl::StrCat(text, version.suffix);
}

int CompareVersions(const Version& left, const Version& right) {
  // By numbers, so that 7.9 comes before 7.10; a suffix sorts before the release of the same
  // numbers.
  const auto key = [](const Version& v) {
    return std::tuple_cat(std::make_tuple(v.major, v.minor, v.patch), SuffixRank(v.suffix));
  };
  if (key(left) < key(right)) return -1;
  return key(left) == key(right) ? 0 : 1;
}

absl::StatusOr<Family> FamilyOf(const Version& version) {
  if (version.major == 6 && AtLeast(version, 6, 48)) return Family::k6_49;
  // Betas of 7.1, and all that was called 7.0, lack what 7.1 brought.
  if (version.major < 7 || !AtLeast(version, 7, 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "RouterOS ", FormatVersion(version),
        " is not supported; Muster needs 6.48 or later, or 7.1 or later: upgrade the router"));
  }
  // Borders: device-mode gates fetch and scheduler (7.17), :onerror (7.13), :convert (7.11).
  // Sources: docs/assumptions.md, "Menus".
  if (AtLeast(version, 7, 17)) return Family::k7_17;
  if (AtLeast(version, 7, 13)) return Family::k7_13;
  if (AtLeast(version, 7, 11)) return Family::k7_11;
  return Family::k7_1;
}

absl::string_view FamilyName(Family family) {
  switch (family) {
    case Family::k6_49:
      return "6.48-6.49";
    case Family::k7_1:
      return "7.1-7.10";
    case Family::k7_11:
      return "7.11-7.12";
    case Family::k7_13:
      return "7.13-7.16";
    case Family::k7_17:
      // The enum is full; g++ doesn't know that no other value comes.
      return "7.17";
  }
  return "7.17";
}

}  // namespace muster::routeros
