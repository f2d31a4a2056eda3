// muster device beat: fast beats for a while.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command DeviceBeatCommand();

}  // namespace muster::cli
