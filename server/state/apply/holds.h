// Queues that wait for an operator: why, and how they go on.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  identity_rules_test.cc.
#pragma once

#include <vector>

#include "server/state/apply/job_queue.h"

namespace muster::server {

// The device's targets that have not ended, oldest first.
std::vector<uint64_t> OpenJobs(ApplyContext& context, uint64_t device);

// Holds the queue: what may still be kept from the router becomes HELD, what had started LOST
// (never run again by itself: what it did may be undone). `why` is for people. A device that is
// held for a weightier reason keeps that one.
void HoldDevice(ApplyContext& context, DenseIndex index, HoldKind kind, absl::string_view why);

// The same for two routers under one identity, with its event; the second time without effect,
// since two routers in turns would write an event with every beat.
void HoldAsClone(ApplyContext& context, DenseIndex index, absl::string_view evidence);

// The router of a restored device reports a number that the backup does not know: says so at the
// jobs that wait, since any of them may have been it. Without effect for other devices.
void DoubtRestored(ApplyContext& context, DenseIndex index, uint64_t last);

// Ends the hold, whatever it is for: what waited is queued again under new numbers, except what the
// router has meanwhile reported as started, which is LOST. How many were queued. Whether the reason
// is the operator's to end is the caller's business.
uint32_t EndHold(ApplyContext& context, DenseIndex index);

// Cancels what has not been sent to an edge: QUEUED and HELD. `why` becomes their error. What lies
// at an edge goes on to its end.
void CancelWaiting(ApplyContext& context, uint64_t device, absl::string_view why);

}  // namespace muster::server
