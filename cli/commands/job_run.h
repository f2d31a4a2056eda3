// `muster job run`: what is asked and checked before a script goes to routers.
#pragma once

#include "cli/commands/command.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

Command JobRunCommand();

// How job run and job rerun end.
Outcome ShowDryRun(Session& session, const muster::v1::Job& job);
Outcome ShowCreated(Session& session, const muster::v1::Job& job);
// Waits for the job's end; exit code by ExitCodeOf.
Outcome WaitAndShow(Session& session, const muster::v1::Job& job);

}  // namespace muster::cli
