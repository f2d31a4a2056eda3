// The profile as the agent's text knows it.
#pragma once

#include "routeros/script/agent.h"
#include "server/state/records.h"

namespace muster::server {

inline routeros::Profile TextProfile(Profile profile) {
  switch (profile) {
    case Profile::kNormal:
      return routeros::Profile::kNormal;
    case Profile::kMetered:
      return routeros::Profile::kMetered;
    case Profile::kSlow:
      return routeros::Profile::kSlow;
  }
  return routeros::Profile::kNormal;
}

}  // namespace muster::server
