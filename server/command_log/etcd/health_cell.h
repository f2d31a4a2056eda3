// How the log is doing, and waiting for it to be well.
//
// Threads:  safe to call from any thread.
// Example:  etcd_log.cc.
#pragma once

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

class HealthCell {
 public:
  LogHealth Get() const;

  // Logs a change of state. Stopped and needs snapshot are for good.
  void Set(LogState state, absl::string_view reason);
  // Stopped, because this node asked for it: no line in the log.
  void End(absl::string_view reason);

  // Read-only from now on, whatever the state is otherwise, since this node's state and another's
  // differ. Repeating is harmless.
  void Hold(absl::string_view reason);
  // Takes that back.
  void Release();
  bool IsHeld() const;

  // Waits while the log is catching up. Ok where it serves; Unavailable, with the reason, where it
  // does not, or not within `timeout`, or after Close.
  absl::Status WaitUntilServing(absl::Duration timeout);

  // The same, without waiting: ok also while it is catching up.
  absl::Status Refusal() const;

  void Close();

 private:
  void SetLocked(LogState state, absl::string_view reason, bool tell)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LogHealth ShownLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RefusalLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  ConditionVariable changed_;
  LogHealth health_ ABSL_GUARDED_BY(mutex_) = {LogState::kCatchingUp, "not connected to etcd yet"};
  // Empty: not held.
  std::string held_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace muster::server
