// What is done with jobs that are there: job rerun, release and cancel.
//
// Each counts the devices first and asks where more than one is touched; what a router has been
// sent can't be called back, and the exit code says so.
#pragma once

#include <vector>

#include "cli/commands/command.h"

namespace muster::cli {

std::vector<Command> JobControlCommands();

}  // namespace muster::cli
