// What `muster job run --dry-run` finds out before a script goes to routers: in which form each
// RouterOS version gets it, what that version would not load, and what the script does to a router
// beside its purpose.
//
// The check runs here and not at the server: it may read a folder of console dumps that only the
// operator has (--trees).
//
// Threads:  pure functions, but for ShowScriptCheck, which asks the server.
// Example:  job_dry_run_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/commands/command.h"
#include "muster/v1/job_service.pb.h"
#include "routeros/check/console_dumps.h"

namespace muster::cli {

// How one RouterOS version takes a script.
struct VersionCheck {
  // As the devices say it, without the channel: "7.15.3"; "" where they have not said it.
  std::string version;
  // "7.13-7.16"; empty for a version that Muster does not support.
  std::string family;
  int64_t device_count = 0;
  // Characters of the payload, and in how many parts they go.
  size_t payload_bytes = 0;
  size_t parts = 1;
  // Plain hex, or \XX groups.
  bool is_hex = false;
  // The dump that commands were checked against; empty: only syntax and what came later.
  std::string tree;
  // False: routers of the version would refuse it.
  bool loads = true;
  // The script as one device of the version gets it, but for secrets, and which one.
  std::string rendered;
  std::string example_device;
};

// A device that the script would go to.
struct CheckedDevice {
  std::string name;
  std::string title;
  // As in VersionCheck.
  std::string version;
};

// Something that is wrong with the script, on some versions.
struct ScriptFinding {
  // "syntax", "newer", "unknown".
  std::string kind;
  // "line 3 column 7: bad command name foo"
  std::string text;
  std::vector<std::string> versions;
  // The same in parts.
  uint32_t line = 1;
  uint32_t column = 1;
  std::string message;
};

struct DryRun {
  // Oldest version first.
  std::vector<VersionCheck> versions;
  // Syntax first.
  std::vector<ScriptFinding> findings;
  // Sentences about what it does: reboots, installs, resets, loads a backup.
  std::vector<std::string> effects;
  // Versions on which it would not load.
  size_t versions_with_syntax_errors = 0;
  // All of them, in the order of the list.
  std::vector<CheckedDevice> devices;
  // Why the server would not make the job; empty: it would.
  std::string refusal;
};

// `device_counts`: devices by RouterOS version. `dumps` may be null.
DryRun CheckForVersions(absl::string_view script,
                        const std::map<std::string, int64_t>& device_counts,
                        bool ends_with_is_given, const routeros::ConsoleDumps* dumps);

// The tables of it.
Report DryRunReport(const DryRun& dry_run);
// All of it for programs.
std::string DryRunJson(const DryRun& dry_run);

// Looks at all devices of the request and shows what comes of them; the exit code is kFailed where
// the script would load on no version, kPartlyFailed where on some. `job` is what the server says
// of the request: what it refuses is told after all that was found, as the outcome.
Outcome ShowScriptCheck(Session& session, const muster::v1::CreateJobRequest& request,
                        const absl::StatusOr<muster::v1::Job>& job);

}  // namespace muster::cli
