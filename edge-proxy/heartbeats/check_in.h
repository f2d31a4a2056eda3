// One heartbeat as the edge took it, on its way to the control plane.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::edge {

struct CheckIn {
  DeviceId device;
  // Receipt, corrected by the edge's offset.
  absl::Time time;
  // 16 bytes.
  std::string secret_check;
  uint32_t interval_seconds = 0;
  // 4 or 16 bytes.
  std::string source_address;
  routeros::Heartbeat beat;
  // False: the control plane has these facts from an earlier check-in of this session.
  bool with_facts = false;
};

class CheckIns {
 public:
  virtual ~CheckIns() = default;
  virtual void AddCheckIn(CheckIn check_in) = 0;
};

}  // namespace muster::edge
