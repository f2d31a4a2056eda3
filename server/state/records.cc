#include "server/state/records.h"

namespace muster::server {

bool HasEnded(JobTargetState state) {
  switch (state) {
    case JobTargetState::kSucceeded:
    case JobTargetState::kFailed:
    case JobTargetState::kCancelled:
    case JobTargetState::kExpired:
    case JobTargetState::kLost:
    case JobTargetState::kReverted:
      return true;
    default:
      return false;
  }
}

}  // namespace muster::server
