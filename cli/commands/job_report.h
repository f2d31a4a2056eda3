// How jobs are shown, and what their end means for the exit code.
//
// Threads:  pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/output/exit_code.h"
#include "cli/output/table.h"
#include "muster/v1/resources.pb.h"

namespace muster::cli {

// "succeeded", "at-edge" ...
std::string TargetStateWord(muster::v1::JobTargetState state);

// True for the states that a target never leaves.
bool HasEnded(muster::v1::JobTargetState state);
bool HasEnded(const muster::v1::Job& job);

// "12 of 25 ended: 10 succeeded, 2 failed"
std::string ProgressText(const muster::v1::Job& job);

// kDone where all succeeded, kFailed where none did, else kPartlyFailed.
ExitCode ExitCodeOf(const muster::v1::Job& job);

// By the names that people see.
void SortByTitle(std::vector<muster::v1::JobTarget>* targets);

// `jobs` and `targets` must outlive the printing.
Report JobListReport(const std::vector<muster::v1::Job>& jobs, absl::Time now);
Table JobDetailTable(const muster::v1::Job& job, absl::Time now);
Report TargetListReport(const std::vector<muster::v1::JobTarget>& targets, absl::Time now);
// True for those that count as failures of their job.
bool HasFailed(muster::v1::JobTargetState state);
// What went wrong on how many devices, the most frequent first; no rows where nothing did.
Table FailureTable(const std::vector<muster::v1::JobTarget>& targets);
// With the whole output.
Report TargetDetailReport(const muster::v1::JobTarget& target, absl::Time now);

// One line: "riga-core: failed at run: no such item".
std::string TargetLine(const muster::v1::JobTarget& target);

}  // namespace muster::cli
