#include "server/state/identity_rules.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/ids/ids.h"

namespace muster::server {
namespace {

// What clears the reason that it is held for.
absl::Status OtherWay(const IdentityView& device, absl::string_view what) {
  const std::string id = FormatId(device.id);
  const char* way = device.hold == HoldKind::kPending         ? "device accept"
                    : device.hold == HoldKind::kStateWentBack ? "device resync"
                    : device.hold == HoldKind::kReplaced      ? "job release"
                    : device.hold == HoldKind::kRestored      ? "job release"
                    : device.hold == HoldKind::kNone          ? nullptr
                                                              : "device accept-identity";
  if (way == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": nothing waits for an operator at device ", id));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      what, ": device ", id, " is held for another reason (", HoldWord(device.hold), "); ", way));
}

}  // namespace

absl::Status MayAcceptHardware(const IdentityView& device) {
  if (device.hold == HoldKind::kHardwareChanged || device.hold == HoldKind::kClone ||
      device.hold == HoldKind::kReplaced) {
    return absl::OkStatus();
  }
  return OtherWay(device, "its hardware is not in question");
}

absl::Status MayResync(const IdentityView& device) {
  if (device.hold == HoldKind::kStateWentBack) return absl::OkStatus();
  return OtherWay(device, "its state did not go back");
}

absl::Status MayMove(const IdentityView& device) {
  const std::string id = FormatId(device.id);
  if (device.releasing) {
    return absl::FailedPreconditionError(absl::StrCat("device ", id, " is being released"));
  }
  if (device.open_job != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("device ", id, " has job ", FormatId(device.open_job),
                     " at an edge or running; wait for it or cancel it, then move the device"));
  }
  if (device.upgrade_job == 0) return absl::OkStatus();
  // Its job stays with the old organization, which could withdraw the text from there.
  return absl::FailedPreconditionError(
      absl::StrCat("device ", id, " has agent upgrade ", FormatId(device.upgrade_job),
                   " under way; wait until that has ended, then move the device"));
}

absl::Status MayRelease(const IdentityView& device) {
  const std::string id = FormatId(device.id);
  if (device.releasing) {
    return absl::FailedPreconditionError(absl::StrCat("device ", id, " is being released already"));
  }
  // Its job could reach the router only by ending the hold, which is for device accept alone.
  if (device.hold == HoldKind::kPending) {
    return absl::FailedPreconditionError(
        absl::StrCat("device ", id,
                     " waits to be accepted and gets no jobs: device accept, then release it; or ",
                     "paste the line of device release --offline, then delete it"));
  }
  if (!device.monitor_only && !device.revoked) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "device ", id, device.revoked ? " has no valid token" : " is monitor-only",
      ", so that it takes no job; paste the line of device release --offline, then delete it"));
}

absl::Status MayRotateToken(const IdentityView& device) {
  const std::string id = FormatId(device.id);
  if (device.revoked) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the tokens of device ", id, " are revoked, so that it can fetch none; let it ",
        "join again: claim create --replace ", id));
  }
  if (!device.monitor_only) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("device ", id, " is monitor-only, so that its agent can't change itself; run ",
                   "a line of claim create --monitor-only --replace ", id, " on it"));
}

absl::Status MayChangeAgent(const IdentityView& device) {
  if (!device.monitor_only) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("device ", FormatId(device.id),
                   " is monitor-only, so that its agent can't change itself; run a line of ",
                   "claim create --monitor-only --replace ", FormatId(device.id), " on it"));
}

}  // namespace muster::server
