// `muster device watch`: devices as they are and then what changes, over lost connections.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command DeviceWatchCommand();

}  // namespace muster::cli
