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

absl::string_view HoldWord(HoldKind kind) {
  switch (kind) {
    case HoldKind::kNone:
      return "";
    case HoldKind::kStateWentBack:
      return "state-went-back";
    case HoldKind::kReplaced:
      return "replaced";
    case HoldKind::kHardwareChanged:
      return "hardware-changed";
    case HoldKind::kClone:
      return "clone";
    case HoldKind::kPending:
      return "pending";
    case HoldKind::kRestored:
      return "restored";
  }
  return "";
}

int WeightOf(HoldKind kind) {
  constexpr int kPerKind = 2;
  // Right above none: every doubt about the router itself weighs more.
  if (kind == HoldKind::kRestored) return 1;
  return kPerKind * static_cast<int>(kind);
}

uint32_t IntervalSeconds(Profile profile) {
  switch (profile) {
    case Profile::kNormal:
      return 30;
    case Profile::kMetered:
      return 300;
    case Profile::kSlow:
      return 60;
  }
  return 30;
}

}  // namespace muster::server
