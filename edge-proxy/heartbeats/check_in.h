// One heartbeat as the edge took it, on its way to the control plane.
//
// Threads:  CheckIn is a value; AddCheckIn is safe to call from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::edge {

struct CheckIn {
  DeviceId device;
  // Never the router's clock, which is data: many boards have no battery and start in 1970.
  // Receipt, corrected by the edge's offset.
  absl::Time time;
  // What proves to the control plane that the router spoke to this edge; musterd drops an item
  // whose check does not fit before it is proposed. Never log it.
  // 16 bytes.
  std::string secret_check;
  // When the reply told the router to come again, at the latest: deadlines of "offline" follow it.
  uint32_t interval_seconds = 0;
  // Of the connection, as the kernel saw it; behind a load balancer that is the balancer.
  // 4 or 16 bytes.
  std::string source_address;
  routeros::Heartbeat beat;
  // Facts hardly ever change, so they go up once a session and where they differ.
  // False: the control plane has these facts from an earlier check-in of this session.
  bool with_facts = false;
};

class CheckIns {
 public:
  virtual ~CheckIns() = default;
  // Takes it and returns at once: the router's reply does not wait for the control plane. A
  // check-in may be dropped later, when memory is full; that is counted, and facts are then sent
  // once more.
  virtual void AddCheckIn(CheckIn check_in) = 0;
};

}  // namespace muster::edge
