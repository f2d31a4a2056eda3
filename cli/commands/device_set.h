// `muster device set`: changes one device, those named on stdin, or all that match a filter.
//
// Where several devices are meant, each is a call of its own: one that is refused does not hold
// back the others, and the exit code says that some failed.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command DeviceSetCommand();

}  // namespace muster::cli
