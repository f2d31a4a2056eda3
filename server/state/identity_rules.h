// When what operators decide about a device may be done: asked by apply, which decides, and before
// it by calls that only check.
//
// Threads:  pure functions.
// Errors:   FailedPrecondition, saying what to do instead.
// Example:  identity_rules_test.cc.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "server/state/records.h"

namespace muster::server {

// What counts of a device that is not deleted.
struct IdentityView {
  uint64_t id = 0;
  HoldKind hold = HoldKind::kNone;
  bool monitor_only = false;
  // Its tokens are.
  bool revoked = false;
  bool releasing = false;
  // The job that lies at an edge or runs; 0: none.
  uint64_t open_job = 0;
  // The agent upgrade that is under way; 0: none.
  uint64_t upgrade_job = 0;
};

absl::Status MayAcceptHardware(const IdentityView& device);
absl::Status MayResync(const IdentityView& device);
// To another organization than its own.
absl::Status MayMove(const IdentityView& device);
absl::Status MayRelease(const IdentityView& device);
absl::Status MayRotateToken(const IdentityView& device);
absl::Status MayChangeAgent(const IdentityView& device);

}  // namespace muster::server
