// What the restore of a state does to the members of its cluster.
#pragma once

#include "server/state/apply/context.h"

namespace muster::server {

// The nodes of before follow another log: none of them is one of this state.
void RemoveAllMembers(ApplyContext& context);

}  // namespace muster::server
