// Targets of an agent upgrade: a device is offered the new text, and what it reports says how that
// ended.
//
//   SUCCEEDED  the wanted agent in two beats
//   REVERTED   the old one again, after the wanted one or after silence of more than 10 minutes:
//              its guard has put it back
//   FAILED     beats of the old one only, for 20 minutes
//   LOST       silence at the end of these 20 minutes
// Whatever is not a success ends the offer, so that nobody fetches the text again.
//
// Threads:  the log's writer thread only; see context.h.
// Example:  agent_upgrades_test.cc.
#pragma once

#include "server/state/apply/job_queue.h"

namespace muster::server {

// Offers the text to the device of a QUEUED target: RUNNING, or SUCCEEDED where it runs already,
// FAILED where the device is gone or another upgrade is under way on it. Before the job's
// not_before, and while no maintenance window of the device is open, it stays QUEUED and is due
// again. What has begun is not stopped when a window closes.
void StartUpgrade(ApplyContext& context, const JobRules& job, TargetRow& target);

// Judges a check-in that came at `time_us` of a device whose upgrade is under way. Its facts must
// be taken before.
void JudgeUpgrade(ApplyContext& context, DenseIndex index, int64_t time_us);

// Ends it 20 minutes after the offer: LOST where the router is silent, else FAILED.
void EndOverdueUpgrade(ApplyContext& context, const JobRules& job, TargetRow& target);

// Nobody fetches the text any more; a router that has done so is still judged by what it reports.
void WithdrawUpgrade(ApplyContext& context, const TargetRow& target);

}  // namespace muster::server
