// Agent text that a device should have, as the control plane describes it.
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

struct AgentOffer {
  // What the text will report.
  std::string agent_version;
  uint32_t generation = 0;
  // The token that the text brings along; empty: the router keeps the one it has.
  Secret token;
  // Where the agent posts, 1 to 4; empty: this edge.
  std::vector<std::string> urls;
  Profile profile = Profile::kNormal;
  // PEM; empty: this edge's own.
  std::string router_root;
  // False: known, but not to be offered now.
  bool offered = false;
};

// How agent text is made; the real one is in routeros/script. Its own version, and the text for a
// RouterOS version; InvalidArgument for one that Muster doesn't know. Without a version of its own
// an edge gives no text.
struct AgentRules {
  std::string own_version;
  std::function<absl::StatusOr<std::string>(absl::string_view routeros_version,
                                            const AgentOffer& offer)>
      render;
};

}  // namespace muster::edge
