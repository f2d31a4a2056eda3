// What is kept no longer, worked off in bounded steps with each Tick.
//
//   repetition of a request      10 minutes, at most 1,000,000
//   events of a device           24 h; the newest 20 however old they are, never more than 500
//   outputs of an ended job      30 days after its end; shown as cut from then on
//   ended jobs with their numbers 180 days after their end; results of them are orphans then
//
// Audit, claims, tombstones of devices (their number floor) and texts of scripts stay.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  retention_test.cc.
#pragma once

#include "server/state/apply/context.h"

namespace muster::server {

inline constexpr int64_t kOutputLifeUs = int64_t{30} * 86'400 * 1'000'000;
inline constexpr int64_t kJobLifeUs = int64_t{180} * 86'400 * 1'000'000;

// One step of each: at most 1,000 rows (10,000 request ids) a Tick, so that the end of a job on
// 100,000 devices never holds up a commit. Not while time is doubtful.
void DropOld(ApplyContext& context);

}  // namespace muster::server
