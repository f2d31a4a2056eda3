// Adds the secret check to events that the edge raises by itself (a job removed or expired without
// its router speaking): the control plane takes no item without one, so that a stolen edge can't
// speak for devices that come elsewhere.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `devices` and `upstream` must outlive this object.
#pragma once

#include <utility>

#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/jobs/job_events.h"

namespace muster::edge {

class ProvenJobEvents : public JobEvents {
 public:
  ProvenJobEvents(const DeviceTable& devices, JobEvents& upstream)
      : devices_(devices), upstream_(upstream) {}

  // Hands the event on. One of a device whose record is gone keeps an empty check and is dropped at
  // the control plane.
  void AddJobEvent(JobEvent event) override {
    if (event.secret_check.empty()) event.secret_check = devices_.SecretCheckOf(event.device);
    upstream_.AddJobEvent(std::move(event));
  }

 private:
  const DeviceTable& devices_;
  JobEvents& upstream_;
};

}  // namespace muster::edge
