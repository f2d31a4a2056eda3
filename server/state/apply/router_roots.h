// The roots that routers trust: one that edges show, beside it at most one that is not retired.
//
// Whether routers would fall silent is for the proposer to find out: it would be a look at each
// device here.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  router_roots_test.cc.
#pragma once

#include "server/state/apply/context.h"

namespace muster::server {

// Makes root 1 of the blobs that Bootstrap has stored, if it stored them.
void AddFirstRouterRoot(ApplyContext& context);

}  // namespace muster::server
