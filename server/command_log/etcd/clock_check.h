// Whether this node's clock may bring time into the log: it must agree with the time that the other
// nodes have brought in while this one listened, and right after its start with that of the state.
//
// Threads:  one at a time.
// Units:    kTolerance is between wall clocks; Ticks come each second.
// Example:  clock_check_test.cc.
#pragma once

#include "absl/time/time.h"
#include "common/clock/clock.h"

namespace muster::server {

class ClockCheck {
 public:
  static constexpr absl::Duration kTolerance = absl::Seconds(2);
  // Nobody has ticked for so long: somebody must, whatever the clock says.
  static constexpr absl::Duration kNobody = absl::Seconds(15);
  // For so long after a start nodes that have heard of the time before this one come first: the
  // duty of one that died falls to them sooner.
  static constexpr absl::Duration kOthersFirst = absl::Seconds(5);

  // `state_time`: the Unix epoch where no time was ever brought in.
  ClockCheck(const Clock& clock, absl::Time state_time);

  // To be asked at least each second. False: this clock is off by more than kTolerance, from what
  // others brought in of late, or right after the start from the time of the state.
  bool Agrees(absl::Time state_time);

 private:
  const Clock& clock_;
  absl::Time seen_time_;
  absl::Duration seen_at_;
  // Nobody's Tick was heard yet.
  bool heard_ = false;
  bool off_ = false;
};

}  // namespace muster::server
