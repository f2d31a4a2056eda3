// What routers and edges report of jobs, and what it proves: device-protocol section 6.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  job_rules_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"

namespace muster::server {

// After a check-in was taken: numbers, evidence on the open job, moves between edges, release, in
// that order: a number that went back holds the device before anything of it is released. `time_us`
// is when the edge stamped it, `age_us` how long ago that was in state time.
void ReportCheckIn(ApplyContext& context, const DeviceTable::Taken& taken,
                   const internal::v1::CheckIn& check_in, int64_t time_us, int64_t age_us,
                   uint16_t edge);

// An edge says what it did with a number: SENT, REMOVED, EXPIRED, TOO_LONG. Repeating is harmless;
// what concerns an earlier attempt only frees the edge's place as holder.
void ReportJobEvent(ApplyContext& context, const internal::v1::JobEvent& event, DenseIndex index,
                    uint16_t edge);

// A router's result. The first one counts; a late one takes back what ended by absence only
// (EXPIRED, LOST); anything else becomes an event, never another job's result.
void ReportJobResult(ApplyContext& context, const internal::v1::JobResult& result,
                     DenseIndex index);

}  // namespace muster::server
