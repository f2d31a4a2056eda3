// Puts a fleet into the state of a control plane that does not run.
//
// A million enrolments through the command log would take minutes; here their rows are written as
// apply would write them (enrolment of one site and organization, no events, no audit), and the
// status slabs as if each device had checked in through its edge within the last interval.
//
// Threads:  not safe. No musterd may run on the data directory.
// Blocks:   SeedDevices some ten seconds for a million devices, SeedStatus one or two.
// Errors:   NotFound for an edge that the state does not know. A database that can't be written
//           stops the process.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/bench/ingest/fleet.h"

namespace muster::bench {

// Adds the devices of `fleet` to a state without devices; `folder`/control is the data directory.
absl::Status SeedDevices(const std::string& folder, const Fleet& fleet);

// Makes them online at `now`, device `d` by edges[fleet.EdgeOf(d)], and state time `now`.
absl::Status SeedStatus(const std::string& folder, const Fleet& fleet,
                        const std::vector<std::string>& edges, absl::Time now);

}  // namespace muster::bench
