#include "server/command_log/node/applied_mark.h"

#include "absl/strings/str_cat.h"
#include "common/sync/deadline.h"

namespace muster::server {

void AppliedMark::Set(const Position& position) {
  MutexLock lock(mutex_);
  position_ = position;
  changed_.NotifyAll();
}

Position AppliedMark::Get() const {
  MutexLock lock(mutex_);
  return position_;
}

absl::Status AppliedMark::Wait(const Position& position, absl::Duration timeout) {
  const Deadline deadline(timeout);
  MutexLock lock(mutex_);
  if (position.log_id != position_.log_id) {
    return absl::FailedPreconditionError(
        "the position is of another log: the control plane was restored; read again");
  }
  while (position_.index < position.index) {
    const absl::Duration left = deadline.Left();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat("entry ", position.index, " is not applied here yet"));
    }
    changed_.WaitFor(mutex_, left);
  }
  return absl::OkStatus();
}

}  // namespace muster::server
