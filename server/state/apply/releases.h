// Devices that leave: the job that takes the agent off, and what its end means.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  identity_rules_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"

namespace muster::server {

// A target of a device that is being released has ended: if it was the job that takes the agent
// off, success makes the device a tombstone whose router is answered X, anything else ends the
// release.
// Called by EndTarget for any target of such a device; without effect for the others.
void OnTargetEnded(ApplyContext& context, DenseIndex index, const TargetRow& target);

}  // namespace muster::server
