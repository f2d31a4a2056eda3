// `muster audit verify`: computes the audit's hash chain again, here and at the server.
//
// Here too, since a server that lies about its audit would lie about the check as well.
//
// Example:  audit_verify_test.cc.
#pragma once

#include "cli/commands/command.h"

namespace muster::cli {

Command AuditVerifyCommand();

}  // namespace muster::cli
