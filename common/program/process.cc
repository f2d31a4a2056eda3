#include "common/program/process.h"

#include <csignal>
#include <iostream>

#include "common/text/clean.h"

namespace muster {
namespace {

// SIGHUP too: what it means is the program's business (the edge reads its certificates again).
sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

void PrepareSignals() {
  // A peer that hangs up must be an error of a write (EPIPE), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = StopSignals();
  // Threads that are started later inherit the mask, so the signals wait for WaitForSignal.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int WaitForSignal() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  // Fails only for a set that isn't one.
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

bool SignalIsPending() {
  sigset_t pending;
  sigemptyset(&pending);
  if (sigpending(&pending) != 0) return false;
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
         sigismember(&pending, SIGHUP) == 1;
}

void PrintReady(absl::string_view what, absl::string_view address) {
  // Flushed: scripts and tests wait for this line.
  std::cout << "ready: " << what << " " << address << std::endl;
}

int FailWith(absl::string_view program, absl::string_view message) {
  // The message may hold what somebody else wrote.
  std::cerr << program << ": " << CleanText(message) << std::endl;
  return 1;
}

}  // namespace muster
