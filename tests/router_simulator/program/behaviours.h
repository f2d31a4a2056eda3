// What goes wrong on simulated routers when a test asks for it, by name.
//
// Threads:  a Mishaps belongs to one router and is called in its turn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {

// Names and what they do, for --help and for messages.
std::string BehaviourList();
// InvalidArgument for a name that is none.
absl::Status CheckBehaviours(const std::set<std::string>& names);

// Changes a router's options before it is made: wrong-clock, no-ppp-package, chr, sensitive-off,
// policy-off, device-mode-home, late-flash, and quirk switches by name.
void ApplyToOptions(const std::set<std::string>& names, RouterOptions* options);

// The same for what begins when the router is switched on: slow-link, full-flash.
void ApplyToRouter(const std::set<std::string>& names, Router* router);

// Reboots, power losses and restored backups at the steps of a job.
class Mishaps {
 public:
  Mishaps(const std::set<std::string>& names, uint64_t seed);
  // Called for each event; asks the router for what its names say.
  void OnEvent(Router& router, const Event& event);
  // Configuration to restore at the next chance (state-back); run between turns of the router.
  void BetweenTurns(Router& router);

 private:
  enum class Step { kNone, kAfterStore, kWhileRunning, kBeforeResult, kAfterResult };
  Step PickStep();
  void At(Router& router, Step step);

  std::set<std::string> names_;
  std::mt19937_64 random_;
  Step planned_ = Step::kNone;
  bool job_open_ = false;
  int jobs_ = 0;
  std::unique_ptr<ConfigStore> older_;
  bool restore_ = false;
};

}  // namespace muster::simulator
