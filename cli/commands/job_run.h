// `muster job run`: what is asked and checked before a script goes to routers.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command JobRunCommand();

}  // namespace muster::cli
