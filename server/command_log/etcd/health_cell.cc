#include "server/command_log/etcd/health_cell.h"

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/sync/deadline.h"

namespace muster::server {
namespace {

bool IsForGood(LogState state) {
  return state == LogState::kNeedsSnapshot || state == LogState::kStopped;
}

void Tell(const LogHealth& health) {
  const std::string state(NameOf(health.state));
  if (health.state == LogState::kServing || health.state == LogState::kCatchingUp) {
    LogInfo("command_log", "the log is " + state, {{"reason", health.reason}});
  } else {
    LogError("command_log", "the log is " + state, {{"reason", health.reason}});
  }
}

}  // namespace

LogHealth HealthCell::Get() const {
  MutexLock lock(mutex_);
  return ShownLocked();
}

LogHealth HealthCell::ShownLocked() const {
  if (held_.empty() || IsForGood(health_.state)) return health_;
  return {LogState::kStatesDiffer, held_};
}

void HealthCell::Hold(absl::string_view reason) {
  MutexLock lock(mutex_);
  if (!held_.empty() || IsForGood(health_.state)) return;
  held_ = std::string(reason);
  Tell(ShownLocked());
  changed_.NotifyAll();
}

bool HealthCell::IsHeld() const {
  MutexLock lock(mutex_);
  return !held_.empty();
}

void HealthCell::Release() {
  MutexLock lock(mutex_);
  if (held_.empty()) return;
  held_.clear();
  Tell(ShownLocked());
  changed_.NotifyAll();
}

void HealthCell::Set(LogState state, absl::string_view reason) {
  MutexLock lock(mutex_);
  SetLocked(state, reason, true);
}

void HealthCell::End(absl::string_view reason) {
  MutexLock lock(mutex_);
  SetLocked(LogState::kStopped, reason, false);
}

void HealthCell::SetLocked(LogState state, absl::string_view reason, bool tell) {
  if (IsForGood(health_.state)) return;
  const bool changed = health_.state != state;
  health_ = {state, std::string(reason)};
  if (!changed) return;
  if (tell) Tell(health_);
  changed_.NotifyAll();
}

absl::Status HealthCell::RefusalLocked() const {
  const LogHealth health = ShownLocked();
  if (health.state == LogState::kServing || health.state == LogState::kCatchingUp) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("the command log is ", NameOf(health.state), " (",
                                             health.reason,
                                             "); repeat the request with the same request id"));
}

absl::Status HealthCell::Refusal() const {
  MutexLock lock(mutex_);
  return RefusalLocked();
}

absl::Status HealthCell::WaitUntilServing(absl::Duration timeout) {
  const Deadline deadline(timeout);
  MutexLock lock(mutex_);
  while (ShownLocked().state == LogState::kCatchingUp && !closed_) {
    const absl::Duration left = deadline.Left();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, left);
  }
  if (ShownLocked().state == LogState::kServing) return absl::OkStatus();
  if (absl::Status refusal = RefusalLocked(); !refusal.ok()) return refusal;
  return absl::UnavailableError(absl::StrCat("the command log is catching up (", health_.reason,
                                             "); repeat the request with the same request id"));
}

void HealthCell::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
}

}  // namespace muster::server
