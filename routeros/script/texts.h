// The parts of the agent's text, after their terms were checked.
//
// Threads:  pure functions; safe from any thread.
// Errors:   CheckTerms answers InvalidArgument and names the term.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "routeros/script/agent.h"

namespace muster::routeros {

// What a script with all rights needs, and what --monitor-only leaves (device-protocol.md
// section 1: scheduler entry and scripts carry one and the same list).
inline constexpr absl::string_view kFullPolicy =
    "ftp,reboot,read,write,policy,test,password,sniff,sensitive";
inline constexpr absl::string_view kMonitorPolicy = "read,test,ftp,sensitive";
absl::string_view PolicyOf(bool monitor_only);

// Digits of a root's fingerprint that stand for it in a beat and in the name of a certificate.
inline constexpr size_t kRootMarkDigits = 8;

// Refuses a URL that isn't https://HOST[:PORT] with characters that need no escape, a digest that
// isn't 64 and a claim that isn't 32 lower-case hex digits.
absl::Status CheckTerms(absl::string_view url, absl::string_view root_sha256,
                        absl::string_view claim);
absl::Status CheckAgentTerms(const AgentTerms& terms);

// The agent that an installer installs.
AgentTerms AgentOf(const InstallerTerms& terms);

// "2" or "2+7".
std::string AgentName(const AgentTerms& terms);

// Lists of literals: {"https://a";"https://b"}.
std::string UrlList(const std::vector<std::string>& urls);
std::string PinList(const AgentTerms& terms);

// "30", "60", "300": seconds between beats; "00:00:30" as a RouterOS time.
std::string PeriodText(Profile profile);
std::string PeriodTime(Profile profile);

// muPost and muFrom (snippets.h) as the profile needs them.
std::string PostFunction(Profile profile);
std::string FromFunction(Profile profile);

// The host of a checked URL, without port and brackets.
std::string HostOf(absl::string_view url);

std::string BootstrapText(const BootstrapTerms& terms);
std::string BeatText(const AgentTerms& terms);
std::string RunnerText(const AgentTerms& terms);
// The part of the runner that fetches new agent text and tries it.
std::string UpdateText();
std::string GuardText();
// Commands that make the guard, the probe of the link and the DNS entry, whatever was there.
std::string GuardParts(const AgentTerms& terms);
std::string LinkParts(const AgentTerms& terms, Family family);
std::string NameParts(const AgentTerms& terms);
// Imports the new root, if there is one and the router lacks it; sets muOk to false where that
// fails.
std::string NewRootParts(const AgentTerms& terms);
// Comment of the agent's scripts and entries: "Muster agent 2+7 00:00:30"; the guard takes the
// period from its end.
std::string AgentComment(const AgentTerms& terms);
std::string StagingText(const AgentTerms& terms, Family family);
std::string InstallerText(const InstallerTerms& terms, Family family);

}  // namespace muster::routeros
