// Takes heartbeats and results of admitted routers.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; everything in HeartbeatParts must outlive this object.
// Blocks:   never.
// Example:  calls_test.cc.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "edge-proxy/heartbeats/busy_valve.h"
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
  BusyValve& busy;
  // Of the agent text that this edge can give.
  std::string agent_version;
};

class HeartbeatDesk {
 public:
  explicit HeartbeatDesk(HeartbeatParts parts) : parts_(std::move(parts)) {}

  // 200 with a verb, or 400 for broken structure. A caller without a record gets "0". Besides what
  // JobShelf sends: "X" to a released device; "U" where nothing else is to be said, the router runs
  // nothing and other agent text is offered; "W..." while more beats come than this edge is to
  // take.
  Reply TakeHeartbeat(const Caller& caller, absl::string_view body,
                      absl::string_view source_address);

  // Calls `done` once: 200 "A<number>" when the result is committed, else 400, 401 or 503.
  void TakeResult(const Caller& caller, absl::string_view body, ReplyDone done);

 private:
  std::string Verb(const Caller& caller, const Asking& asking, absl::string_view reported_agent,
                   bool busy, absl::Time now);

  HeartbeatParts parts_;
};

}  // namespace muster::edge
