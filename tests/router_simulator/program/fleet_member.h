// One router of a fleet: its events on stderr, its counts and its mishaps.
//
// Threads:  everything but `mutex` itself is touched only while it is held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "tests/router_simulator/http_transport.h"
#include "tests/router_simulator/program/behaviours.h"
#include "tests/router_simulator/program/network_faults.h"
#include "tests/router_simulator/router.h"

namespace muster::simulator {

struct FleetCounts {
  int64_t enrolled = 0;
  int64_t beats = 0;
  int64_t failed_fetches = 0;
  int64_t jobs_started = 0;
  int64_t results = 0;
  int64_t script_errors = 0;
  int64_t load_errors = 0;
  int64_t unsupported = 0;
  int64_t reboots = 0;

  void Add(const FleetCounts& other);
};

class FleetMember : public Observer {
 public:
  // `index` counts from 0; the line is pasted by Paste.
  FleetMember(int index, RouterOptions options, HttpTransport* transport,
              const std::set<std::string>& behaviours, bool quiet);

  void OnEvent(Router& from, const Event& event) override;
  // Says how the paste ended, once.
  void ReportPaste();
  void Say(absl::string_view text) const;

  Mutex mutex;
  // Told after each turn.
  ConditionVariable turned;
  const int index;
  std::unique_ptr<Router> router;
  std::unique_ptr<Mishaps> mishaps;
  NetworkFaults network;
  absl::Duration born;  // in the fleet's time
  absl::Duration scheduled = absl::InfiniteDuration();
  FleetCounts counts;
  bool pasted = false;
  bool waits_for_neighbour = false;
  std::optional<ConfigStore> saved;

 private:
  void Count(const Event& event);
  void Report(const Event& event);

  const bool quiet_;
  bool paste_reported_ = false;
};

}  // namespace muster::simulator
