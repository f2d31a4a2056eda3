// Names, sites and labels of routers that have not joined yet.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  identity_rules_test.cc.
#pragma once

#include <string>

#include "server/state/apply/context.h"

namespace muster::server {

// Gives a new device what was imported for its serial number in its organization, and forgets that.
// Its site and labels win over the claim's. Without effect for a serial number that nobody
// imported.
void UsePreregistration(ApplyContext& context, const DeviceCore& core, const std::string& serial);

}  // namespace muster::server
