#include "server/command_log/log/command_log.h"

#include <optional>
#include <utility>

#include "common/sync/mutex.h"

namespace muster::server {

absl::string_view NameOf(LogState state) {
  switch (state) {
    case LogState::kServing:
      return "serving";
    case LogState::kCatchingUp:
      return "catching up";
    case LogState::kReadOnly:
      return "read-only: no quorum";
    case LogState::kNeedsSnapshot:
      return "needs snapshot";
    case LogState::kStopped:
      return "stopped";
    case LogState::kStatesDiffer:
      return "read-only: states differ";
  }
  return "unknown";
}

// On the caller's stack: a waiting caller needs no allocation, and no thread is kept for it.
absl::StatusOr<Applied> CommandLog::Propose(Command command) {
  Mutex mutex;
  ConditionVariable changed;
  std::optional<absl::StatusOr<Applied>> outcome;
  ProposeAsync(std::move(command), [&](absl::StatusOr<Applied> result) {
    // Notified under the lock: the waiter destroys both as soon as it gets it.
    MutexLock lock(mutex);
    outcome = std::move(result);
    changed.NotifyAll();
  });
  MutexLock lock(mutex);
  while (!outcome.has_value()) changed.Wait(mutex);
  return *std::move(outcome);
}

}  // namespace muster::server
