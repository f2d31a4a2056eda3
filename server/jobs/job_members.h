// The devices of a job that is being made: which, in what order, and whether they can run it.
//
// Threads:  not safe.
// Errors:   see each method.
// Example:  tests/api/job_service_test.cc.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/script_check.h"
#include "server/state/records.h"

namespace muster::server {

class JobMembers {
 public:
  explicit JobMembers(size_t script_bytes) : fit_(script_bytes) {}

  // Leaves out monitor-only ones, which run no jobs.
  void Add(const Device& device);

  // Ids in the order of their waves: the canaries, online ones first to be chosen, then the others;
  // each ascending, none twice. FailedPrecondition where nobody is left or the script is too long.
  absl::StatusOr<std::vector<uint64_t>> InOrder(uint32_t canary_count) const;

 private:
  struct Member {
    uint64_t id = 0;
    bool online = false;
  };

  ScriptFit fit_;
  std::vector<Member> members_;
};

}  // namespace muster::server
