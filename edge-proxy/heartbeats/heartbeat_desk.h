// Takes heartbeats and results of admitted routers.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; everything in HeartbeatParts must outlive this object.
// Blocks:   never.
// Example:  calls_test.cc.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "edge-proxy/heartbeats/check_in.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/metrics.h"
#include "edge-proxy/heartbeats/reply.h"
#include "edge-proxy/heartbeats/token_gate.h"
#include "edge-proxy/jobs/job_events.h"
#include "edge-proxy/jobs/job_shelf.h"

namespace muster::edge {

struct HeartbeatParts {
  // Corrected by the control plane's offset.
  const Clock& clock;
  DeviceTable& devices;
  JobShelf& jobs;
  CheckIns& check_ins;
  JobResults& results;
  Metrics& metrics;
};

class HeartbeatDesk {
 public:
  explicit HeartbeatDesk(const HeartbeatParts& parts) : parts_(parts) {}

  // 200 with a verb, or 400 for broken structure. A caller without a record gets "0".
  Reply TakeHeartbeat(const Caller& caller, absl::string_view body,
                      absl::string_view source_address);

  // Calls `done` once: 200 "A<number>" when the result is committed, else 400, 401 or 503.
  void TakeResult(const Caller& caller, absl::string_view body, ReplyDone done);

 private:
  HeartbeatParts parts_;
};

}  // namespace muster::edge
