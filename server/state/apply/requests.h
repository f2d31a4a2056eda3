// Repeated requests: the first outcome is given again.
//
// Threads:  the log's writer thread only; see context.h.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command_log/log/store.h"
#include "server/state/apply/context.h"

namespace muster::server {

// What a request id counts in, as the key of its row: a hash, since four texts of callers would
// make a large key. Two callers may choose the same id.
std::string RequestScope(uint64_t organization, absl::string_view principal,
                         absl::string_view method, absl::string_view request_id);

// Applies the command, or gives what it gave before if its request id was seen within 10 minutes of
// state time. AlreadyExists where the same id came with another request. A refused command is not
// remembered: it had no effect, and what refused it may have changed.
Outcome ApplyOnce(ApplyContext& context, const internal::v1::Command& command);

}  // namespace muster::server
