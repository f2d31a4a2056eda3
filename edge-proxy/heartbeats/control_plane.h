// What the edge has to ask the control plane while a router waits. Only joining needs that: a
// router that has its token is answered from the edge's memory, so it notices nothing while the
// control plane is away.
//
// Threads:  safe to call from any thread.
// Errors:   see ControlPlane.
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

// The first is good; each other has its word in the reply to an enrolment, which the installer
// prints.
enum class ClaimVerdict { kOk, kUnknown, kExpired, kUsedUp, kWrongAddress, kTokenForeign };

struct ClaimQuestion {
  // 16 bytes.
  std::string claim;
  // For claims that are bound to a network (`--from CIDR`).
  // 4 or 16 bytes.
  std::string source_address;
};

// What the installer is rendered by; the claim itself stays with the control plane. Nothing here
// may be used unless the verdict is ok or used up.
struct ClaimAnswer {
  ClaimVerdict verdict = ClaimVerdict::kUnknown;
  bool monitor_only = false;
  Profile profile = Profile::kNormal;
  // Where the agent posts, 1 to 4; empty: this edge.
  std::vector<std::string> urls;
};

struct EnrolmentAnswer {
  ClaimVerdict verdict = ClaimVerdict::kUnknown;
  // Goes to the router and is then forgotten: the edge keeps no token.
  // Set where the verdict is ok.
  Secret token;
  // So that the router's first beat, which follows within a second, meets a known device and does
  // not have to wait for the stream.
  DeviceRecord record;
};

// Unavailable while the control plane is away; InvalidArgument for an enrolment that it can't take.
class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  // A caller must not count on the order of two answers. `done` must not block: it may be a thread
  // of gRPC.
  // Each calls `done` exactly once, from any thread, within a few seconds.
  virtual void CheckClaim(const ClaimQuestion& question,
                          std::function<void(absl::StatusOr<ClaimAnswer>)> done) = 0;
  virtual void Enroll(const ClaimQuestion& question, const routeros::Enrolment& enrolment,
                      std::function<void(absl::StatusOr<EnrolmentAnswer>)> done) = 0;
};

}  // namespace muster::edge
