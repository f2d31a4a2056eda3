// `muster job run`: what is asked and checked before a script goes to routers.
#pragma once

#include "cli/commands/command.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

// The order keeps people from surprises: what matches is shown and counted, then it asks, and only
// then is the server called, which checks everything once more.
Command JobRunCommand();

// How job run, job rerun and agent upgrade end: --dry-run, without --wait, and with it.
Outcome ShowDryRun(Session& session, const muster::v1::Job& job);
Outcome ShowCreated(Session& session, const muster::v1::Job& job);
// Waits for the job's end; exit code by ExitCodeOf.
Outcome WaitAndShow(Session& session, const muster::v1::Job& job);

}  // namespace muster::cli
