#include "cli/commands/groups.h"

namespace muster::cli {

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  for (const auto& group :
       {LoginCommands(), ContextCommands(), OrganizationCommands(), KeyCommands(), EdgeCommands(),
        ClaimCommands(), DeviceCommands(), IdentityCommands(), ImportCommands(), JobCommands(),
        AgentCommands(), WindowCommands(), ScriptCommands(), SecretCommands(), AuditCommands(),
        CompletionCommands(), VersionCommands()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

}  // namespace muster::cli
