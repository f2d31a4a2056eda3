// The text that Muster puts on routers, rendered per family of RouterOS versions.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument for a version that Muster doesn't support or a setting that can't be
//           written into a script; the message names it.
// Example:  agent_test.cc.
#pragma once

#include <cstdint>
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
absl::StatusOr<Version> ParseVersion(absl::string_view text);
std::string FormatVersion(const Version& version);

// Families between which the script language or the commands that Muster uses differ.
enum class Family {
  k6_49,       // 6.48 to 6.49
  k7_1,        // 7.1 to 7.10
  k7_11,       // 7.11 to 7.12
  k7_13,       // 7.13 to 7.16
  k7_17,       // 7.17 and later
};
// InvalidArgument for anything older than 6.48 or 7.0.
absl::StatusOr<Family> FamilyOf(const Version& version);
absl::string_view FamilyName(Family family);

// How the agent of a router decodes a job.
enum class PayloadFormat {
  kHex,      // "2f69": 7.11 and later
  kEscaped,  // "\2F\69": everything older
};

// What stands in the line to paste.
struct BootstrapTerms {
  // "https://HOST[:PORT]" without a slash at the end.
  std::string url;
  // SHA-256 of the router root, lower-case hex.
  std::string root_sha256;
  // 32 lower-case hex digits.
  std::string claim;
};

// One line of at most 1,000 characters for every supported version: checks what is missing,
// fetches and pins /ca.pem, fetches the installer for the router's version and imports it.
absl::StatusOr<std::string> RenderBootstrapLine(const BootstrapTerms& terms);

// What stands in the installer.
struct InstallerTerms {
  std::string url;
  std::string root_sha256;
  std::string claim;
  bool monitor_only = false;
};

// The installer that GET /b/VERSION answers: makes what device-protocol.md section 1 lists,
// enrols, beats once. Idempotent on the router.
absl::StatusOr<std::string> RenderInstaller(const InstallerTerms& terms, const Version& version);

// The version of the agent text that RenderInstaller installs.
absl::string_view AgentVersion();

// A job's script as it stands in a reply: plain lower-case hex, or \XX groups in upper case.
std::string EncodePayload(absl::string_view script, PayloadFormat format);

// The longest script in bytes that this version takes in one reply.
size_t LargestScript(const Version& version);

// "J<number> <length> <payload>."
std::string JobReply(uint64_t number, absl::string_view script, PayloadFormat format);

}  // namespace muster::routeros
