// Lets devices share what they are offered: a million of them are offered a handful of different
// texts, unless each brings its own token.
//
// Without it each record would hold its own URLs and PEM of the root: about 1 kB a device instead
// of a pointer.
// Threads:  not safe.
// Limits:   keeps track of kMostOffers different ones; then it begins anew.
// Example:  session_test.cc.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "edge-proxy/heartbeats/agent_offer.h"
#include "muster/edge/v1/edge_service.pb.h"

namespace muster::edge {

class OfferPool {
 public:
  // Repeating gives the same object while somebody holds it. One with a token is never shared.
  // The offer that `wire` stands for: an earlier one with the same content, else `fresh`.
  std::shared_ptr<const AgentOffer> Share(const ::muster::edge::v1::AgentOffer& wire,
                                          std::shared_ptr<const AgentOffer> fresh);

 private:
  // weak_ptr: a text that no device is offered any more is freed, not kept by the pool.
  absl::flat_hash_map<std::string, std::weak_ptr<const AgentOffer>> offers_;
};

}  // namespace muster::edge
