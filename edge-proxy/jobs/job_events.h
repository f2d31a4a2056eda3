// What happens to jobs at the edge and on routers, on its way to the control plane. The interfaces
// live here, with the room that uses them; uplink implements them.
//
// Threads:  values; JobEvents and JobResults are safe to call from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/ids/ids.h"
#include "routeros/heartbeat/heartbeat.h"

namespace muster::edge {

enum class JobEventKind {
  // Whether the router got the reply is not known then: evidence is its next beat.
  kSent,  // it was written into a reply
  // What a CANCELLING job waits for.
  kRemoved,  // removed as asked; it will not be sent from here
  kExpired,  // its not_after has passed before it was sent
  // Only where the router's agent takes no parts.
  kTooLong,  // too long for what this router can take
  kUnfit,    // a secret can't stand in its place in the script
};

struct JobEvent {
  DeviceId device;
  uint64_t number = 0;
  JobEventKind kind = JobEventKind::kSent;
  absl::Time time;
  // With `boot_at_first_send` what decides whether the job may be sent again, here or by another
  // edge: a job goes up to three times, and never after a reboot.
  uint32_t times_sent = 0;
  std::string boot_at_first_send;
  // Of the router that it was sent to; empty for events without a router.
  std::string secret_check;
};

// Where events go on their way to the control plane.
class JobEvents {
 public:
  virtual ~JobEvents() = default;
  // Takes the event and returns; where the queue is full it is dropped and counted, and the control
  // plane learns from the router's beats instead.
  virtual void AddJobEvent(JobEvent event) = 0;
};

// What a router posted about a job.
struct JobResult {
  DeviceId device;
  absl::Time time;
  std::string secret_check;
  routeros::JobReport report;
};

// How an item ended. Only Ok lets the router forget its result.
// Ok: committed upstream. Unauthenticated: the control plane knows no such device or secret.
// InvalidArgument: it refused the result by name. Unavailable: not committed in time; it may still
// be, and repeating it is harmless.
using ResultDone = std::function<void(absl::Status)>;

// Where results go on their way to the control plane.
class JobResults {
 public:
  virtual ~JobResults() = default;
  // Calls `done` exactly once, from any thread: at once where there is no room, else when the
  // control plane has answered or the edge stops.
  virtual void AddJobResult(JobResult result, ResultDone done) = 0;
};

}  // namespace muster::edge
