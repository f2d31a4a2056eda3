// Tokens of devices: epochs, the secret that is on its way to a router, and revocation.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  identity_rules_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "server/state/apply/context.h"

namespace muster::server {

// Check-ins that must have proved a new token before the old one is refused: the agent keeps its
// new text, and with it the token, after two good beats, and the third shows that it did.
inline constexpr uint32_t kProvingBeats = 3;

// A check-in proved the token that was on its way; with the last of kProvingBeats it becomes the
// only one.
void TakeNextToken(ApplyContext& context, DenseIndex index);

// The token that is on its way becomes the only one. There must be one.
void PromoteNextToken(ApplyContext& context, DenseIndex index);

// Every earlier token is refused, and what was on its way is dropped; the next one will be of
// `sealed_secret`.
void Rekey(ApplyContext& context, DenseIndex index, absl::string_view sealed_secret);

}  // namespace muster::server
