// What is done with jobs that are there: job rerun, release and cancel.
#pragma once

#include <vector>

#include "cli/commands/command.h"

namespace muster::cli {

std::vector<Command> JobControlCommands();

}  // namespace muster::cli
