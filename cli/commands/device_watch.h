// `muster device watch`: devices as they are and then what changes, over lost connections.
//
// Lines are for people and pipes: each is flushed as it comes, and a reconnect repeats none that
// still holds.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command DeviceWatchCommand();

}  // namespace muster::cli
