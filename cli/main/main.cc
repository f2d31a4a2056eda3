// muster: the command line client.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "cli/commands/command_line.h"
#include "cli/output/console.h"
#include "cli/output/exit_code.h"
#include "common/secrets/secrets.h"

int main(int argc, char** argv) {
  // gRPC writes what our own messages say better to stderr; its own variable turns that on again.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  if (const absl::Status ready = muster::InitializeCryptography(); !ready.ok()) {
    std::cerr << "muster: " << ready.message() << "\n";
    return static_cast<int>(muster::cli::ExitCode::kFailed);
  }
  return muster::cli::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc),
                                     muster::cli::SystemConsole());
}
