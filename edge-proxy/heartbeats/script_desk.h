// Gives scripts to admitted routers that ask for them: parts of large jobs, new agent text.
//
// Unlike a beat these calls need a known device: what is given away here may hold secrets, and the
// secret check of a device without a record is made only at the control plane.
//
// Threads:  safe to call from any thread.
// Owns:     nothing; `devices` and `jobs` must outlive this object.
// Blocks:   never.
// Errors:   none; what is wrong becomes the reply.
// Example:  calls_test.cc.
#pragma once

#include <utility>

#include "absl/strings/string_view.h"
#include "edge-proxy/heartbeats/agent_offer.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/reply.h"
#include "edge-proxy/heartbeats/token_gate.h"
#include "edge-proxy/http/payload_path.h"
#include "edge-proxy/jobs/job_shelf.h"

namespace muster::edge {

class ScriptDesk {
 public:
  ScriptDesk(const DeviceTable& devices, const JobShelf& jobs, AgentRules rules)
      : devices_(devices), jobs_(jobs), rules_(std::move(rules)) {}

  // May be asked for again and in any order: the agent tries a part up to six times.
  // 200 with the part; 404 for a job that was not announced to this router in parts, or has fewer;
  // 503 for a router whose record has not come yet.
  Reply GivePart(const Caller& caller, const PayloadPath& path) const;

  // The version is the router's own word, so a wrong one harms that router alone. The text brings a
  // token where the offer has one: it goes to the device that it is for and to nobody else.
  // 200 with the text that the device is offered; 400 for a version that Muster doesn't know; 404
  // where nothing is offered; 503 as above.
  Reply GiveAgent(const Caller& caller, absl::string_view routeros_version) const;

 private:
  const DeviceTable& devices_;
  const JobShelf& jobs_;
  const AgentRules rules_;
};

}  // namespace muster::edge
