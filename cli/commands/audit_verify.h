// `muster audit verify`: computes the audit's hash chain again, here and at the server.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command AuditVerifyCommand();

}  // namespace muster::cli
