// The one list of commands: the parser, help and completion are all made of it, so none can know
// another one.
#include "cli/commands/groups.h"

namespace muster::cli {

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  // In the order in which somebody meets them: log in, set up, let routers join, use them.
  for (const auto& group :
       {LoginCommands(),  ContextCommands(),  OrganizationCommands(), KeyCommands(),
        EdgeCommands(),   RootCommands(),     ClusterCommands(),      ClaimCommands(),
        DeviceCommands(), IdentityCommands(), ImportCommands(),       EventCommands(),
        JobCommands(),    AgentCommands(),    WindowCommands(),       ScriptCommands(),
        SecretCommands(), AuditCommands(),    CompletionCommands(),   VersionCommands()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

}  // namespace muster::cli
