// The facts that a router reports of itself, as its row keeps them.
//
// Threads:  the log's writer thread only; see context.h.
#pragma once

#include <cstdint>
#include <string>

#include "server/state/apply/context.h"

namespace muster::server {

// Too long a text in them would bloat the row: nothing of that check-in's facts is taken.
bool FactsAreSound(const internal::v1::Facts& facts);

// Of the bytes that the row keeps; for a quick comparison.
uint64_t FactsHash(const std::string& bytes);

// Facts without identity, serial, version and board are those of a small beat: only the agent and
// its formats count. Writes the facts if they differ from the row's, with an event for each change
// that matters. Another board than the accepted one holds the device's jobs; going back and forth
// between two is a clone.
void TakeFacts(ApplyContext& context, DenseIndex index, const internal::v1::Facts& facts);

// What the facts say is the device's hardware from here on.
void AcceptHardware(ApplyContext& context, DenseIndex index, const internal::v1::Facts& facts);
internal::v1::Facts ReadFacts(ApplyContext& context, DenseIndex index);

}  // namespace muster::server
