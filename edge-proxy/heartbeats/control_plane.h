// What the edge has to ask the control plane while a router waits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/secrets/secrets.h"
#include "edge-proxy/heartbeats/agent_offer.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::edge {

enum class ClaimVerdict { kOk, kUnknown, kExpired, kUsedUp, kWrongAddress, kTokenForeign };

struct ClaimQuestion {
  // 16 bytes.
  std::string claim;
  // 4 or 16 bytes.
  std::string source_address;
};

struct ClaimAnswer {
  ClaimVerdict verdict = ClaimVerdict::kUnknown;
  bool monitor_only = false;
  Profile profile = Profile::kNormal;
  // Where the agent posts, 1 to 4; empty: this edge.
  std::vector<std::string> urls;
};

struct EnrolmentAnswer {
  ClaimVerdict verdict = ClaimVerdict::kUnknown;
  // Set where the verdict is ok.
  Secret token;
  DeviceRecord record;
};

// Unavailable while the control plane is away; InvalidArgument for an enrolment that it can't take.
class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  // Each calls `done` exactly once, from any thread, within a few seconds.
  virtual void CheckClaim(const ClaimQuestion& question,
                          std::function<void(absl::StatusOr<ClaimAnswer>)> done) = 0;
  virtual void Enroll(const ClaimQuestion& question, const routeros::Enrolment& enrolment,
                      std::function<void(absl::StatusOr<EnrolmentAnswer>)> done) = 0;
};

}  // namespace muster::edge
