#include "server/jobs/script_check.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routeros/script/agent.h"
#include "routeros/script/reported_agent.h"
#include "server/errors/errors.h"

namespace muster::server {
namespace {

// Written with single spaces between words; "/" between words counts as a space.
constexpr std::array<absl::string_view, 8> kEndingCommands = {"system reboot",
                                                              "system shutdown",
                                                              "system reset-configuration",
                                                              "system backup load",
                                                              "system package update install",
                                                              "system package downgrade",
                                                              "system routerboard upgrade reboot",
                                                              "system check-installation reboot"};

// Lower case, with every run of spaces and slashes as one space.
// RouterOS takes "/system/reboot", "/system reboot" and any number of spaces alike.
std::string Flatten(absl::string_view script) {
  std::string flat;
  flat.reserve(script.size());
  for (const char c : script) {
    const bool gap = c == ' ' || c == '\t' || c == '/' || c == '\r';
    if (!gap) {
      flat.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    } else if (!flat.empty() && flat.back() != ' ') {
      flat.push_back(' ');
    }
  }
  return flat;
}

}  // namespace

absl::Status CheckScript(absl::string_view script) {
  // The same rules for jobs and for the library.
  if (absl::StripAsciiWhitespace(script).empty()) {
    return BadField("script", "is empty; give the RouterOS commands to run");
  }
  if (script.size() > kLargestScriptBytes) {
    return BadField("script", absl::StrCat("has ", script.size(), " bytes; at most ",
                                           kLargestScriptBytes, " are taken"));
  }
  // It would end the text inside RouterOS, and the end mark with it.
  if (absl::StrContains(script, absl::string_view("\0", 1))) {
    return BadField("script", "holds a NUL byte, which RouterOS can't run");
  }
  return absl::OkStatus();
}

std::string FindEndingCommand(absl::string_view script) {
  const std::string flat = Flatten(script);
  for (const absl::string_view command : kEndingCommands) {
    if (absl::StrContains(flat, command)) return absl::StrCat("/", command);
  }
  return "";
}

void ScriptFit::Add(const Device& device, absl::string_view title, size_t script_bytes) {
  // The device's own: a fleet has versions from 6.48 on.
  const size_t limit = LargestScriptFor(device.routeros_version, device.agent_version);
  if (script_bytes <= limit) return;
  script_bytes_ = std::max(script_bytes_, script_bytes);
  smallest_limit_ = std::min(smallest_limit_, limit);
  ++too_small_;
  if (first_.size() < 3) {
    first_.push_back(absl::StrCat(title, " (RouterOS ",
                                  device.routeros_version.empty() ? "?" : device.routeros_version,
                                  ")"));
  }
}

absl::Status ScriptFit::Verdict() const {
  if (too_small_ == 0) return absl::OkStatus();
  std::string devices = absl::StrJoin(first_, ", ");
  if (too_small_ > first_.size()) {
    devices = absl::StrCat(too_small_, " of the devices (", devices, ", ...)");
  }
  return ScriptTooLong(script_bytes_, smallest_limit_, devices);
}

size_t LargestScriptFor(absl::string_view routeros_version, absl::string_view agent_version) {
  if (routeros::ParseReportedAgent(agent_version).number >= routeros::kFirstAgentWithParts) {
    return kLargestScriptBytes;
  }
  const absl::StatusOr<routeros::Version> version = routeros::ParseVersion(routeros_version);
  if (version.ok()) return routeros::LargestScript(*version);
  // Better too small for a router that has not said its version than cut.
  routeros::Version oldest;
  oldest.major = 6;
  oldest.minor = 48;
  return routeros::LargestScript(oldest);
}

std::string TitleOf(const Device& device) {
  if (!device.display_name.empty()) return device.display_name;
  if (!device.identity.empty()) return device.identity;
  return FormatId(device.id);
}

}  // namespace muster::server
