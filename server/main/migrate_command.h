// `musterd migrate`: from one node to a cluster and back.
//
// Threads:  at the start of main, instead of the control plane.
// Example:  tests/end_to_end/test_migrate.py.
#pragma once

namespace muster::server {

// The exit code: 0, 1 after one line on stderr, 2 for wrong usage.
int RunMigrate(int argc, char** argv);

}  // namespace muster::server
