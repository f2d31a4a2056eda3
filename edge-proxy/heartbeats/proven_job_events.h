// Adds the secret check to events that the edge raises by itself: the control plane takes no item
// without one.
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

  void AddJobEvent(JobEvent event) override {
    if (event.secret_check.empty()) event.secret_check = devices_.SecretCheckOf(event.device);
    upstream_.AddJobEvent(std::move(event));
  }

 private:
  const DeviceTable& devices_;
  JobEvents& upstream_;
};

}  // namespace muster::edge
