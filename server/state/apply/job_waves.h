// Waves of a job: members in groups, of which the next begins when the one before has ended, and
// the rule that stops a job after too many failures.
//
// What ends a target only counts here; the steps that open waves and cancel what was not sent are
// ExpandJob commands, so that no end of a target does unbounded work. Until such a step is applied
// nothing more of a stopped job is released.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  job_waves_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"

namespace muster::server {

// The wave of the member that stands at place `at`, from 0; 0 for a job without waves. A function
// of the frozen list alone, so that no restart puts a device into another wave.
uint32_t WaveOf(const JobRules& job, uint64_t at);

// Counts a target that goes from one state to another: `is_new` where it is made in `to`. Stops the
// job where it is one failure too many, and notes that the next wave may open. Called for every
// move, in the same command: between the failure that is one too many and the stop nothing is
// released.
void CountInWave(ApplyContext& context, const JobRules& job, const TargetRow& target,
                 JobTargetState from, JobTargetState to, bool is_new);

// After the last member became a target: the first wave may open. Not earlier, since a failure of
// the first wave must find all members there to be cancelled. Repeating is harmless.
void BeginWaves(ApplyContext& context, const JobRules& job);

// Opens the next wave if it may, or releases at most 1,000 targets of the open one; the
// housekeeping proposes it again until jobs.wave_due is 0.
void StepWaves(ApplyContext& context, const JobRules& job);

}  // namespace muster::server
