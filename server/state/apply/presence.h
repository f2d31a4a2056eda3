// Whether devices are online: decided here, in entries, so that every node says the same, watchers
// hear of it, and it can be told in order.
//
// A device goes offline when the watermark of its newest edge has passed its deadline, and is
// unknown when its edge says nothing (Judge in status_row.h); both are found at a Tick. It comes
// back with a check-in, unless the watermark has passed the deadline of that one too.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  presence_test.cc.
#pragma once

#include "server/state/apply/context.h"

namespace muster::server {

// What is known of time when a device is judged whose newest edge this is.
Clocks ClocksOf(const NodeState& node, const EdgeCore& edge);

// At a Tick: who is overdue, at most 10,000 devices.
void LookForSilence(ApplyContext& context);

// Once, when deciding begins here: whoever is overdue.
void DecideForAll(ApplyContext& context);

// After a check-in that was taken: the first one, or of a device that was not online, is news.
void HearOf(ApplyContext& context, const DeviceTable::Taken& taken);

// At the end of an entry: writes down which devices it has changed, for watchers.
void MarkChangedDevices(ApplyContext& context);

}  // namespace muster::server
