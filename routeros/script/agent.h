// The text that Muster puts on routers, rendered per family of RouterOS versions.
//
// Threads:  pure functions; safe from any thread.
// Errors:   InvalidArgument for a version that Muster doesn't support or a setting that can't be
//           written into a script; the message names it.
// Example:  agent_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
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
  // Not zero: the line goes into the background, and each router waits there for its own part of
  // this long before it asks for anything; kShortestSpread to kLongestSpread.
  absl::Duration spread = absl::ZeroDuration();
};

// The longest line that RenderBootstrapLine makes.
inline constexpr size_t kLongestBootstrapLine = 1000;
// The longest leaves each router a part of its own out of two bytes of its MAC address.
inline constexpr absl::Duration kShortestSpread = absl::Seconds(10);
inline constexpr absl::Duration kLongestSpread = absl::Hours(6);

// One line of at most 1,000 characters for every supported version: checks what is missing,
// fetches and pins /ca.pem, fetches the installer for the router's version and imports it. With a
// spread it checks nothing itself, since nobody sees what a line in the background says.
absl::StatusOr<std::string> RenderBootstrapLine(const BootstrapTerms& terms);

// How often a router beats and how much it says.
enum class Profile {
  kNormal,   // every 30 s, everything
  kMetered,  // every 300 s, at most 150 bytes of JSON but for one full body after each start
  kSlow,     // every 60 s, everything
};

// What stands in the text of one router's agent.
struct AgentTerms {
  // Where it posts: 1 to 4 times "https://HOST[:PORT]". It stays with one until that fails.
  std::vector<std::string> urls;
  // SHA-256 of the router root that the edges are trusted by, lower-case hex.
  std::string root_sha256;
  // A router root that is to be trusted beside it: the text imports it. PEM of one certificate and
  // its SHA-256; both empty: none.
  std::string new_root_pem;
  std::string new_root_sha256;
  bool monitor_only = false;
  Profile profile = Profile::kNormal;
  // Reported behind the version: "2+7"; 0 is reported as "2".
  uint32_t generation = 0;
  // "m1....": the token that the text brings along; empty: the router keeps its own.
  std::string token;
  // IPv4 address for a static DNS entry of the first URL's host; empty: none.
  std::string dns_address;
};

// What GET /agent/VERSION answers: a script that the router imports from a file. It stages the new
// beat and runner (and the token and the root, if it brings any) beside the running ones, whose
// runner then tries them twice and takes them over where both beats were good. Until then the
// router reports its old agent and its old token stays valid: a token may be revoked only when the
// new generation is reported. InvalidArgument for monitor-only terms: those are renewed by the
// line.
absl::StatusOr<std::string> RenderAgent(const AgentTerms& terms, Family family);

// What stands in the installer.
struct InstallerTerms {
  // The edge that the router enrols at.
  std::string url;
  std::string root_sha256;
  std::string claim;
  bool monitor_only = false;
  Profile profile = Profile::kNormal;
  // Where the agent posts, 1 to 4; empty: `url`.
  std::vector<std::string> urls;
  // As in AgentTerms.
  std::string dns_address;
  std::string new_root_pem;
  std::string new_root_sha256;
};

// The installer that GET /b/VERSION answers: makes what device-protocol.md section 1 lists,
// enrols, beats once. Idempotent on the router.
absl::StatusOr<std::string> RenderInstaller(const InstallerTerms& terms, const Version& version);

// The source of script muster-beat: one text for every version.
absl::StatusOr<std::string> RenderBeat(const AgentTerms& terms);

// The source of script muster-run: one text for every version, so that an upgrade or a downgrade of
// RouterOS never leaves a runner that doesn't load.
absl::StatusOr<std::string> RenderRunner(const AgentTerms& terms);

// The job that releases a router, for every version: it ends well, posts its result, and a minute
// later at most takes away everything that Muster made, the CA last and nothing of anybody else.
std::string RenderRemoval();

// The same as a line to paste, at most kLongestBootstrapLine characters, for every version.
std::string RenderRemovalLine();

// What RenderInstaller's text will add and change on a router, for people; one item a line.
absl::StatusOr<std::string> RenderPreview(const InstallerTerms& terms, Family family);

// The version of the agent text that RenderInstaller and RenderAgent install: "3".
absl::string_view AgentVersion();

}  // namespace muster::routeros
