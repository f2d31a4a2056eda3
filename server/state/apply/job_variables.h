// The values that a job's script gets on one device.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  job_variables_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"

namespace muster::server {

// Writes the values that the device has now into the target's row; what was asked for stays the
// same for this number, whatever changes later, so that an edge that asks again gets the same text.
// Answers why the script can't be filled in, or "". Values of secrets are not taken: only that they
// are there is checked.
std::string TakeVariables(ApplyContext& context, const JobRules& job, const TargetRow& target);

}  // namespace muster::server
