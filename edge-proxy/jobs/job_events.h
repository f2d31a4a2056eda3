// What happens to jobs at the edge and on routers, on its way to the control plane.
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
  kSent,     // it was written into a reply
  kRemoved,  // removed as asked; it will not be sent from here
  kExpired,  // its not_after has passed before it was sent
  kTooLong,  // too long for what this router can take
};

struct JobEvent {
  DeviceId device;
  uint64_t number = 0;
  JobEventKind kind = JobEventKind::kSent;
  absl::Time time;
  uint32_t times_sent = 0;
  std::string boot_at_first_send;
  // Of the router that it was sent to; empty for events without a router.
  std::string secret_check;
};

// Where events go on their way to the control plane.
class JobEvents {
 public:
  virtual ~JobEvents() = default;
  virtual void AddJobEvent(JobEvent event) = 0;
};

struct JobResult {
  DeviceId device;
  absl::Time time;
  std::string secret_check;
  routeros::JobReport report;
};

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
