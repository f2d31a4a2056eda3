// The control plane as a whole: opens the installation, starts both listeners, runs until a signal.
//
// Threads:  Run is called once, from main.
// Blocks:   until SIGTERM or SIGINT, then until everything is drained, about 15 s at most.
// Errors:   what keeps it from starting, in one line that says what to do.
#pragma once

#include "absl/status/status.h"
#include "server/main/settings.h"

namespace muster::server {

// Ok after a signal and a drain; nothing that was acknowledged is lost either way.
absl::Status RunControlPlane(const Settings& settings);

}  // namespace muster::server
