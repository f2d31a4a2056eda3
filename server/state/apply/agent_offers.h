// The agent text that a device should have: its version, and how often what stands in it for this
// device alone (token, URLs, root, profile) has changed.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  identity_rules_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "server/state/apply/context.h"

namespace muster::server {

// As the devices table says it. A router reports "VERSION+GENERATION", "VERSION" for generation 0.
struct AgentOfferRow {
  // Empty: the device keeps what it has.
  std::string version;
  uint32_t generation = 0;
  // False: known, but edges don't offer it now.
  bool offered = false;
};
// Empty where nothing was ever offered since its installer ran.
AgentOfferRow LoadAgentOffer(ApplyContext& context, DenseIndex index);

// Which text the device should have, and whether edges offer it now, is as given from here on;
// edges are told. `reason` is for people and becomes an event where anything changed.
void SetAgentOffer(ApplyContext& context, DenseIndex index, absl::string_view version, bool offered,
                   absl::string_view reason);

// What stands in the device's text has changed: text of the next generation is offered, of
// `version`, which is the proposer's own. Edges render no other one, so a version that was wanted
// before this installation was updated would never reach the router. Always a change: a router that
// has taken generation n must fetch n + 1 even if both were made within a second.
void RaiseGeneration(ApplyContext& context, DenseIndex index, absl::string_view version,
                     absl::string_view reason);

// A fresh installer has run: its text is of generation 0, and nothing is offered.
// Counting on would offer text that the router can't have heard of.
void ForgetAgentOffer(ApplyContext& context, DenseIndex index);

}  // namespace muster::server
