// What is checked of a script before a job is made of it.
//
// Threads:  pure functions.
// Errors:   see each function; the messages say what to do.
// Example:  script_check_test.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/state/records.h"

namespace muster::server {

constexpr size_t kLargestScriptBytes = 64 * 1024;

// InvalidArgument for an empty script, one above 64 KiB, or one with a NUL byte.
absl::Status CheckScript(absl::string_view script);

// The command in the script after which a router doesn't answer as it was: "/system reboot",
// "/system/reset-configuration", "/system backup load", "/system package update install" ...;
// empty where there is none. A hint: text in quotes counts too.
std::string FindEndingCommand(absl::string_view script);

// Collects which devices can't take a script of this size.
class ScriptFit {
 public:
  // `title` is what people call the device; `script_bytes` what it would get.
  void Add(const Device& device, absl::string_view title, size_t script_bytes);

  // Ok where all fit; else FailedPrecondition with the smallest limit, how many don't fit and the
  // first three of them.
  absl::Status Verdict() const;

 private:
  // Of the largest that does not fit.
  size_t script_bytes_ = 0;
  size_t smallest_limit_ = kLargestScriptBytes;
  size_t too_small_ = 0;
  std::vector<std::string> first_;
};

// The longest script that a device takes: all of 64 KiB where its agent takes parts, else what one
// reply holds for its RouterOS version. An unknown version counts as the oldest.
// The numbers are routeros/script's, which knows what each version's /tool fetch and console take.
size_t LargestScriptFor(absl::string_view routeros_version, absl::string_view agent_version);

// What people call a device: its display name, else its identity, else its id.
std::string TitleOf(const Device& device);

}  // namespace muster::server
