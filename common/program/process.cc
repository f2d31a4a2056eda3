#include "common/program/process.h"

#include <csignal>
#include <iostream>

#include "common/text/clean.h"

namespace muster {
namespace {

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
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int WaitForSignal() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

void PrintReady(absl::string_view what, absl::string_view address) {
  std::cout << "ready: " << what << " " << address << std::endl;
}

int FailWith(absl::string_view program, absl::string_view message) {
  std::cerr << program << ": " << CleanText(message) << std::endl;
  return 1;
}

}  // namespace muster
