// Agent text that a device should have, as the control plane describes it. Only terms travel: each
// edge renders the text itself (routeros/script), since what a router must be told depends on its
// RouterOS version and on this edge's own URL and root.
//
// Threads:  plain values; an offer is shared by many devices and never changed once made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"

namespace muster::edge {

// Numbers are those of muster.edge.v1.Profile.
enum class Profile : uint8_t { kNormal = 1, kMetered = 2, kSlow = 3 };

// A device whose report equals agent_version and generation runs what it should; any other report
// is answered `U`, older or newer: generations go back when the control plane is restored.
struct AgentOffer {
  // What the text will report.
  std::string agent_version;
  uint32_t generation = 0;
  // Rises when token, URLs, root or profile of this device change, so that a router is asked to
  // renew though the version of the text is the same.
  // The token that the text brings along; empty: the router keeps the one it has.
  Secret token;
  // Where the agent posts, 1 to 4; empty: this edge.
  std::vector<std::string> urls;
  Profile profile = Profile::kNormal;
  // False: known, but not to be offered now.
  // The control plane paces a roll-out by this.
  bool offered = false;
};

// How agent text is made; the real one is in routeros/script. Its own version, and the text for a
// RouterOS version; InvalidArgument for one that Muster doesn't know. Without a version of its own
// an edge gives no text.
// The text of another version than its own is never given by an edge: text and the verbs that it
// understands come from one build, and a mix would be one that nobody has tested.
struct AgentRules {
  std::string own_version;
  std::function<absl::StatusOr<std::string>(absl::string_view routeros_version,
                                            const AgentOffer& offer)>
      render;
};

}  // namespace muster::edge
