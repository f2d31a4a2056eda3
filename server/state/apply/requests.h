// Repeated requests: the first outcome is given again.
//
// Threads:  the log's writer thread only; see context.h.
#pragma once

#include "server/command_log/log/store.h"
#include "server/state/apply/context.h"

namespace muster::server {

// Applies the command, or gives what it gave before if its request id was seen within 10 minutes
// of state time. AlreadyExists where the same id came with another request.
Outcome ApplyOnce(ApplyContext& context, const internal::v1::Command& command);

}  // namespace muster::server
