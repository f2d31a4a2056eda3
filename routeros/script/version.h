// RouterOS versions and the families between which Muster's text differs.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument for a text that is no version or a version that Muster doesn't
//           support; the message names it.
// Example:  version_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::routeros {

// A RouterOS version as routers write it: "6.49.10", "7.20.8 (stable)", "7.21beta3", "7.20rc1".
struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  // "", "beta3", "rc1": sorts before the release.
  std::string suffix;
};

// Reads what `/system resource get version` gives; a channel in brackets after a space is left out.
absl::StatusOr<Version> ParseVersion(absl::string_view text);

// "6.49.10", "7.20", "7.21beta3": what stands in `GET /b/VERSION`.
std::string FormatVersion(const Version& version);

// Below zero, zero, above zero: alpha before beta before rc before the release.
int CompareVersions(const Version& left, const Version& right);

// Families between which the script language or the commands that Muster uses differ.
enum class Family {
  k6_49,  // 6.48 to 6.49
  k7_1,   // 7.1 to 7.10
  k7_11,  // 7.11 to 7.12
  k7_13,  // 7.13 to 7.16
  k7_17,  // 7.17 and later
};

// InvalidArgument for anything older than 6.48 or 7.0. A beta or release candidate of the first
// version of a family counts as the family before it: it may lack what the release brought.
absl::StatusOr<Family> FamilyOf(const Version& version);

// "6.48-6.49", "7.1-7.10", "7.11-7.12", "7.13-7.16", "7.17".
absl::string_view FamilyName(Family family);

}  // namespace muster::routeros
