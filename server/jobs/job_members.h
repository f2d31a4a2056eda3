// The devices of a job that is being made: which, in what order, and whether they can run it.
//
// Threads:  not safe.
// Errors:   see each method.
// Example:  tests/api/job_service_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job_template.h"
#include "server/jobs/script_check.h"
#include "server/state/records.h"

namespace muster::server {

class JobMembers {
 public:
  explicit JobMembers(const JobTemplate& script) : script_(script) {}

  // Takes a device in; leaves out monitor-only ones, which run no jobs. Checks at once whether it
  // takes the script: devices are many, and are not kept.
  void Add(const Device& device);

  // Ids in the order of their waves: the canaries, online ones first to be chosen, then the others;
  // each ascending, none twice. FailedPrecondition where nobody is left, the script is too long, or
  // a device lacks what it wants filled in.
  absl::StatusOr<std::vector<uint64_t>> InOrder(uint32_t canary_count) const;

 private:
  struct Member {
    uint64_t id = 0;
    bool online = false;
  };

  const JobTemplate& script_;
  ScriptFit fit_;
  // Why the script can't be filled in, and for whom: the first few, and how many in all.
  std::map<std::string, std::vector<std::string>> lacking_;
  size_t lacking_count_ = 0;
  std::vector<Member> members_;
};

}  // namespace muster::server
