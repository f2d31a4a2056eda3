// Reads the command line and runs the command that it names.
//
// Threads:  not safe; once a process (tests: one after another).
// Errors:   printed on the console's `err`; the exit code says the kind.
// Example:  command_line_test.cc.
#pragma once

#include <string>
#include <vector>

#include "cli/output/console.h"

namespace muster::cli {

// `arguments` without the program's name. Answers the exit code (exit_code.h).
int RunCommandLine(const std::vector<std::string>& arguments, const Console& console);

}  // namespace muster::cli
