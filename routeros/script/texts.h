// The parts of the agent's text, after their terms were checked.
//
// Threads:  pure functions; safe from any thread.
// Errors:   CheckTerms answers InvalidArgument and names the term.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "routeros/script/agent.h"

namespace muster::routeros {

// What a script with all rights needs, and what --monitor-only leaves (device-protocol.md
// section 1: scheduler entry and scripts carry one and the same list).
inline constexpr absl::string_view kFullPolicy =
    "ftp,reboot,read,write,policy,test,password,sniff,sensitive";
inline constexpr absl::string_view kMonitorPolicy = "read,test,ftp,sensitive";
absl::string_view PolicyOf(const InstallerTerms& terms);

// Refuses a URL that isn't https://HOST[:PORT] with characters that need no escape, a digest that
// isn't 64 and a claim that isn't 32 lower-case hex digits.
absl::Status CheckTerms(absl::string_view url, absl::string_view root_sha256,
                        absl::string_view claim);

// The host of a checked URL, without port and brackets.
std::string HostOf(absl::string_view url);

std::string BootstrapText(const BootstrapTerms& terms);
std::string BeatText(const InstallerTerms& terms);
std::string RunnerText(const InstallerTerms& terms, Family family);
std::string InstallerText(const InstallerTerms& terms, Family family);

}  // namespace muster::routeros
