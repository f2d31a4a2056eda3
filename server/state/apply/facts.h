// The facts that a router reports of itself, as its row keeps them.
//
// Threads:  the log's writer thread only; see context.h.
#pragma once

#include <cstdint>
#include <string>

#include "server/state/apply/context.h"

namespace muster::server {

// True unless a text is over 256 bytes, or a MAC or tunnel key has a wrong length. Too long a text
// would bloat the row: nothing of that check-in's facts is taken then, though its numbers are.
bool FactsAreSound(const internal::v1::Facts& facts);

// Of the bytes that the row keeps; for a quick comparison, so that an unchanged router costs no
// read of its row. FNV-1a: no secret, and no enemy gains by a collision with its own facts.
uint64_t FactsHash(const std::string& bytes);

// Facts without identity, serial, version and board are those of a small beat: only the agent,
// its formats and the roots that it trusts count. Writes the facts if they differ from the row's,
// with an event for each change that matters. Another board than the accepted one holds the
// device's jobs; going back and forth between two is a clone.
void TakeFacts(ApplyContext& context, DenseIndex index, const internal::v1::Facts& facts);

// Makes what the facts say the device's hardware from here on. Without effect on a hold: whoever
// ends it does that.
void AcceptHardware(ApplyContext& context, DenseIndex index, const internal::v1::Facts& facts);
// The row's facts; empty where there are none.
internal::v1::Facts ReadFacts(ApplyContext& context, DenseIndex index);

}  // namespace muster::server
