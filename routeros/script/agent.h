// The text that Muster puts on routers, rendered per family of RouterOS versions.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument for a version that Muster doesn't support or a setting that can't be
//           written into a script; the message names it.
// Example:  agent_test.cc.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "routeros/script/payload.h"
#include "routeros/script/version.h"

namespace muster::routeros {

// What stands in the line to paste.
struct BootstrapTerms {
  // "https://HOST[:PORT]" without a slash at the end.
  std::string url;
  // SHA-256 of the router root, lower-case hex.
  std::string root_sha256;
  // 32 lower-case hex digits.
  std::string claim;
};

// The longest line that RenderBootstrapLine makes.
inline constexpr size_t kLongestBootstrapLine = 1000;

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

// The source of script muster-beat: one text for every version.
absl::StatusOr<std::string> RenderBeat(const InstallerTerms& terms);

// The source of script muster-run for one family.
absl::StatusOr<std::string> RenderRunner(const InstallerTerms& terms, Family family);

// The version of the agent text that RenderInstaller installs.
absl::string_view AgentVersion();

}  // namespace muster::routeros
