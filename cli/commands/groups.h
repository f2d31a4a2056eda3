// The commands, a function for each group; its file has the same name.
#pragma once

#include <vector>

#include "cli/commands/command.h"

namespace muster::cli {

std::vector<Command> LoginCommands();
std::vector<Command> ContextCommands();
std::vector<Command> OrganizationCommands();
std::vector<Command> KeyCommands();
std::vector<Command> EdgeCommands();
std::vector<Command> ClaimCommands();
std::vector<Command> DeviceCommands();
std::vector<Command> IdentityCommands();
std::vector<Command> ImportCommands();
std::vector<Command> JobCommands();
std::vector<Command> AgentCommands();
std::vector<Command> WindowCommands();
std::vector<Command> ScriptCommands();
std::vector<Command> SecretCommands();
std::vector<Command> AuditCommands();
std::vector<Command> CompletionCommands();
std::vector<Command> VersionCommands();

// All of them, in the order in which help shows them.
std::vector<Command> AllCommands();

}  // namespace muster::cli
