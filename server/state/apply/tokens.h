// Tokens of devices: epochs, the secret that is on its way to a router, and revocation.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  identity_rules_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "server/state/apply/context.h"

namespace muster::server {

// The agent tries its new text, and with it the token, for two beats and goes back where one of
// them fails: the old token is refused only when the new generation is reported, or after so many
// check-ins in a row that proved the new one (small bodies don't name the agent).
inline constexpr uint32_t kProvingBeats = 6;

// Counts a check-in that proved the token on its way, or (not `proved`) the old one again, which
// begins the count anew: only beats in a row show that the new text stays. Promotes it on enough
// evidence. Without effect where none is on its way.
void TakeTokenProof(ApplyContext& context, DenseIndex index, bool proved);

// Makes the token that is on its way the only one: edges refuse the old one from now on. There must
// be one.
void PromoteNextToken(ApplyContext& context, DenseIndex index);

// Refuses every earlier token, and drops what was on its way; the next one will be of
// `sealed_secret`. The new epoch lies above both, since the one on its way may have arrived.
void Rekey(ApplyContext& context, DenseIndex index, absl::string_view sealed_secret);

}  // namespace muster::server
