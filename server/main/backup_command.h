// musterd backup create|verify|restore.
//
// On the machine of the control plane and not through the API: a backup must be possible where
// musterd does not start any more, a restore before it does, and no API key shall be able to fetch
// the whole state.
//
// Threads:  called once, from main, after PrepareSignals.
// Blocks:   until done, or until SIGTERM, SIGINT or SIGHUP, which leave nothing behind.
// Errors:   one line on stderr.
// Example:  tests/end_to_end/test_backup.py.
#pragma once

namespace muster::server {

// `argv` is that of main. The code to exit with: 0, 1 for a failure, 2 for wrong usage.
int RunBackup(int argc, char** argv);

}  // namespace muster::server
