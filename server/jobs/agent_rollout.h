// Which agents the devices of an organization run, and how they get another one.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; what it is given must outlive this object.
// Blocks:   looks at each device of the organization; a change waits until it is applied.
// Errors:   as JobBoard; FailedPrecondition where no device would change.
// Example:  tests/api/agent_service_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job_board.h"

namespace muster::server {

struct AgentCount {
  // As reported: "VERSION" or "VERSION+GENERATION"; empty for devices that never said.
  std::string agent;
  uint32_t devices = 0;
  uint32_t online = 0;
  // Of these, those that would get another text; monitor-only ones never.
  uint32_t behind = 0;
};

struct AgentUpgrade {
  // Empty: all devices.
  std::string filter_text;
  std::vector<std::string> urls;
  // Nullopt: as it is.
  std::optional<Profile> profile;
  std::optional<JobWaves> waves;
  // 0: at once.
  int64_t not_before_us = 0;
  // Admins only.
  bool ignore_windows = false;
};

class AgentRollout {
 public:
  AgentRollout(const State& state, JobBoard& board, const DeviceDirectory& devices)
      : state_(state), board_(board), devices_(devices) {}

  // Counts what the devices report, the most frequent first.
  absl::StatusOr<std::vector<AgentCount>> Count(const OrganizationScope& scope) const;
  // Makes a job in waves that brings the current text to all that match and are behind, and with
  // `urls` or another `profile` to all that change. Without waves given: one canary, then 100 at a
  // time, no failure. It lives 30 days, since routers that are away come back. `validate_only` as
  // in JobBoard::Create.
  absl::StatusOr<Job> Upgrade(const OrganizationScope& scope, const AuditedCall& call,
                              const AgentUpgrade& upgrade, bool validate_only);

  // What an upgrade brings.
  static std::string CurrentVersion();

 private:
  const State& state_;
  JobBoard& board_;
  const DeviceDirectory& devices_;
};

}  // namespace muster::server
