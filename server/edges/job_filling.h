// Fills in what a job's script wants, on the way to an edge: values of the device into the text,
// secrets beside it (the edge puts those in at the last moment).
//
// Threads:  pure functions.
// Example:  job_filling_test.cc.
#pragma once

#include "common/secrets/secrets.h"
#include "server/state/records.h"
#include "server/state/state.h"

namespace muster::server {

// False, with a line in the log that holds no value, where something is missing or does not open:
// such a job must not go out. `state` has the organizations' keys.
// After true `sealed_secrets` is empty and `secrets` has their values; the script still names them.
bool FillIn(const State& state, const Secret& master, EdgeJob& job);

}  // namespace muster::server
