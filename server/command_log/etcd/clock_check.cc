#include "server/command_log/etcd/clock_check.h"

#include "common/log/log.h"

namespace muster::server {
namespace {

// A Tick is up to a second old when it is seen, and a little more on a busy machine.
constexpr absl::Duration kAge = absl::Milliseconds(1500);

}  // namespace

ClockCheck::ClockCheck(const Clock& clock, absl::Time state_time)
    : clock_(clock), seen_time_(state_time), seen_at_(clock.Monotonic()) {}

bool ClockCheck::Agrees(absl::Time state_time) {
  const absl::Duration now = clock_.Monotonic();
  if (state_time != seen_time_) {
    seen_time_ = state_time;
    seen_at_ = now;
    heard_ = true;
  }
  // Each time and not only with a Tick: the clock may be set while nobody ticks, and this node be
  // the next that does.
  const absl::Duration ahead = clock_.Now() - (seen_time_ + (now - seen_at_));
  const bool off = ahead > kTolerance + kAge || ahead < -kTolerance;
  // After an outage of all every clock is ahead of the state, and soon somebody has to say so.
  if (!heard_) {
    return !off || seen_time_ == absl::UnixEpoch() || now - seen_at_ > kOthersFirst;
  }
  if (off && !off_) {
    LogWarning("command_log",
               "the clock of this machine is off the cluster's; it brings in no time",
               {{"ahead", absl::FormatDuration(ahead)}});
  }
  off_ = off;
  return !off_ || now - seen_at_ > kNobody;
}

}  // namespace muster::server
