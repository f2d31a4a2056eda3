// Shell completion: `muster completion bash|zsh` prints what a shell loads; that asks
// `muster __complete WORDS...` for what fits behind the words typed so far.
//
// Names of devices, jobs, sites and the like come from the server, which gets a second to answer;
// where it doesn't, there is nothing to complete, and nothing is said.
//
// Threads:  not safe.
// Example:  completion_test.cc; tests/end_to_end/test_operator.py runs real shells.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/command.h"

namespace muster::cli {

// The word by which the shells' scripts ask.
inline constexpr char kCompleteWord[] = "__complete";

// Prints a candidate a line, or ":files" where the shell shall complete file names. The last of
// `words` is the one that is being typed, perhaps empty. Answers the exit code, always 0.
int PrintCompletions(const std::vector<Command>& commands, const std::vector<std::string>& words,
                     const Console& console);

}  // namespace muster::cli
