// The commands, a function for each group; its file has the same name.
#pragma once

#include <vector>

#include "cli/commands/command.h"

namespace muster::cli {

// Declared together, and not in a header each, since nobody but AllCommands calls them: a new group
// is a file, a line here and one in all.cc. What they return is built anew at each call; strings
// and function pointers only, so that costs nothing that a person would notice.
//
// login and context: which server, with which key.
std::vector<Command> LoginCommands();
std::vector<Command> ContextCommands();
// Tenants, keys and edges: mostly for the platform's operators.
std::vector<Command> OrganizationCommands();
std::vector<Command> KeyCommands();
std::vector<Command> EdgeCommands();
std::vector<Command> RootCommands();
std::vector<Command> ClusterCommands();
// Routers: how they join, who they are, what they do.
std::vector<Command> ClaimCommands();
std::vector<Command> DeviceCommands();
std::vector<Command> IdentityCommands();
std::vector<Command> ImportCommands();
// What runs on them, and when.
std::vector<Command> EventCommands();
std::vector<Command> JobCommands();
std::vector<Command> AgentCommands();
std::vector<Command> WindowCommands();
std::vector<Command> ScriptCommands();
std::vector<Command> SecretCommands();
// Who did what; and the program itself.
std::vector<Command> AuditCommands();
std::vector<Command> CompletionCommands();
std::vector<Command> VersionCommands();

// All of them, in the order in which help shows them.
std::vector<Command> AllCommands();

}  // namespace muster::cli
