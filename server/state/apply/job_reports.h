// What routers and edges report of jobs, and what it proves: device-protocol section 6.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  job_rules_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"

namespace muster::server {

// After a check-in was taken: numbers, evidence on the open job, moves between edges, release.
// `age_us` is how long ago it came, in state time.
void ReportCheckIn(ApplyContext& context, const DeviceTable::Taken& taken,
                   const internal::v1::CheckIn& check_in, int64_t time_us, int64_t age_us,
                   uint16_t edge);

// An edge says what it did with a number.
void ReportJobEvent(ApplyContext& context, const internal::v1::JobEvent& event, DenseIndex index,
                    uint16_t edge);

// A router's result.
void ReportJobResult(ApplyContext& context, const internal::v1::JobResult& result,
                     DenseIndex index);

}  // namespace muster::server
