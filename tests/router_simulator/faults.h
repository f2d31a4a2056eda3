// What goes wrong with one simulated router; may be changed at any time between its turns.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace muster::simulator {

enum class PowerDown {
  kClean,      // what was changed is on the flash
  kPowerLoss,  // what the flash had not yet taken is lost
};

struct Faults {
  // Each reply of a fetch comes this much later in the router's time (a slow link: the handshake
  // alone takes 20 s over 2G). Nothing times out: bytes trickle all the while.
  absl::Duration fetch_delay;
  // The router goes down before its next statement but this many; below 0: never. Statements are
  // counted over all scripts, so each place between two of them can be met.
  int64_t statements_left = -1;
  PowerDown then = PowerDown::kPowerLoss;
  // No byte goes onto the flash: files are refused, and what is changed is gone after the next
  // reboot, however it comes. Set it by Router::FillFlash.
  bool flash_full = false;
};

}  // namespace muster::simulator
