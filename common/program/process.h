// What every long-running program does: ignore SIGPIPE, wait for SIGTERM, say that it is ready.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all that it starts later, and ignores
// SIGPIPE. Must be called first in main.
void PrepareSignals();

// Waits for one of the blocked signals and answers its number.
int WaitForSignal();

// True once one of the blocked signals has come; for work that looks now and then whether to go on.
bool SignalIsPending();

// Prints "ready: <what> <address>" on stdout and flushes it.
void PrintReady(absl::string_view what, absl::string_view address);

// Prints "<program>: <message>" as one line on stderr; answers 1, the exit code for a failure.
int FailWith(absl::string_view program, absl::string_view message);

}  // namespace muster
