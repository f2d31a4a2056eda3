// `muster device set`: changes one device, those named on stdin, or all that match a filter.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command DeviceSetCommand();

}  // namespace muster::cli
