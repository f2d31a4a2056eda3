// Follows a job until all its targets have ended, over lost connections.
//
// Threads:  not safe; blocks until the end.
// Errors:   what the server says; Unavailable where it stays away for a minute.
// Example:  job_test.cc, WatchGoesOnAfterALostConnection.
#pragma once

#include <map>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "cli/commands/command.h"
#include "muster/v1/job_service.pb.h"

namespace muster::cli {

struct WatchedJob {
  muster::v1::Job job;
  // By device name, each as it was last.
  std::map<std::string, muster::v1::JobTarget> targets;
};

// Calls `on_change` with each target whose state is new, and `on_progress` with the job after each
// message.
absl::StatusOr<WatchedJob> FollowJob(
    Session& session, const std::string& name,
    absl::FunctionRef<void(const muster::v1::JobTarget&)> on_change,
    absl::FunctionRef<void(const muster::v1::Job&)> on_progress);

// The same with a progress line on stderr where that is a terminal, and the outcome there at the
// end.
absl::StatusOr<WatchedJob> FollowJobWithProgress(Session& session, const std::string& name);

absl::StatusOr<muster::v1::Job> FetchJob(Session& session, const std::string& name);

// The outcome for people, on stderr.
void NoteOutcome(Session& session, const muster::v1::Job& job);

}  // namespace muster::cli
