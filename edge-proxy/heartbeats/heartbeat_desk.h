// Takes heartbeats and results of admitted routers.
//
// A heartbeat is answered from memory and its check-in may be lost with the edge: the next one
// comes in 30 s. A result is answered only when it is committed upstream, since the router forgets
// it with the answer: 200 means taken.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; everything in HeartbeatParts must outlive this object.
// Blocks:   never.
// Errors:   none; what is wrong becomes the reply.
// Example:  calls_test.cc.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "edge-proxy/heartbeats/busy_valve.h"
#include "edge-proxy/heartbeats/check_in.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/fast_beats.h"
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
  FastBeats& fast;
  // An offer of another version is never told with `U`.
  // Of the agent text that this edge can give.
  std::string agent_version;
};

class HeartbeatDesk {
 public:
  explicit HeartbeatDesk(HeartbeatParts parts) : parts_(std::move(parts)) {}

  // 200 with a verb, or 400 for broken structure. A caller without a record gets "0". Besides what
  // JobShelf sends: "X" to a released device; "U" where nothing else is to be said, the router runs
  // nothing and other agent text is offered; "F..." where an operator wants it; "W..." while more
  // beats come than this edge is to take.
  // Repeating a beat is harmless: it is one more check-in, and a job is sent again only within the
  // rules of JobShelf.
  Reply TakeHeartbeat(const Caller& caller, absl::string_view body,
                      absl::string_view source_address);

  // The number need not be one that this edge sent: the control plane judges that. Values of the
  // job's secrets are taken out of output and error before anything leaves this room.
  // Calls `done` once: 200 "A<number>" when the result is committed, else 400, 401 or 503.
  void TakeResult(const Caller& caller, absl::string_view body, ReplyDone done);

 private:
  // The order is a promise of docs/device-protocol.md, Verbs.
  std::string Verb(const Caller& caller, const Asking& asking, absl::string_view reported_agent,
                   bool busy, absl::Time now);

  HeartbeatParts parts_;
};

}  // namespace muster::edge
