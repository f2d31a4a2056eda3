// Time: what falls due, and what is kept no longer. Everything with a deadline has its moment in
// targets.due_us, so a Tick looks at one index and not at all jobs. At most 1,000 targets a Tick:
// what is left is still due a second later.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/state/apply/agent_upgrades.h"
#include "server/state/apply/apply.h"
#include "server/state/apply/job_queue.h"
#include "server/state/apply/presence.h"
#include "server/state/apply/retention.h"

namespace muster::server {
namespace {

// Ticks come each second; ten missing ones are a stopped node or a clock that was set.
constexpr int64_t kJumpUs = 10 * kSecondUs;
// Time for routers and edges to be heard again before anything is concluded from their silence.
constexpr int64_t kJumpHoldUs = 60 * kSecondUs;
// As long as a request id is known: its maker can't go on after that.
constexpr int64_t kUnsealedLifeUs = 600 * kSecondUs;
// A router that was sent a job in the last moment has stored its number by then.
constexpr int64_t kStartGraceUs = 60 * kSecondUs;
// How often is looked whether a target whose edges are silent was started.
constexpr int64_t kAskAgainUs = 600 * kSecondUs;

// Moves state time, never back; the first Tick of a new state is no jump. Only the difference of
// two Ticks is known here: whether the machine slept or its clock was wrong makes none.
void MoveTime(NodeState& node, int64_t time_us) {
  const int64_t before = node.state_time_us;
  if (time_us <= before) return;
  node.state_time_us = time_us;
  if (before == 0 || time_us - before <= kJumpUs) return;
  // A second jump within the hold must not make the first one's doubt forgotten.
  if (before >= node.jump_hold_until_us) node.jump_from_us = before;
  node.jump_hold_until_us = time_us + kJumpHoldUs;
}

// True where nobody can start the number any more and the router has not: all edges have let go of
// it, or the router has reported a lower one since the time when edges could send it.
bool WasNeverStarted(ApplyContext& context, const JobRules& job, const TargetRow& target) {
  if (CountHolders(context, target.device, target.number) == 0) return true;
  const auto both = context.devices.FindBoth(target.device);
  return both.has_value() &&
         ShowsNotStarted(context, *both, target.number, target.SendUntil(job) + kStartGraceUs);
}

// Its window has closed while it lay at edges. An edge that is cut off may have sent it and can't
// say so: a new number would let the router run it twice, so it stays where it is until that is
// ruled out. What the edge says when it is back moves it as well.
void WaitForNextWindow(ApplyContext& context, const JobRules& job, TargetRow& target) {
  if (!WasNeverStarted(context, job, target)) {
    target.due_us = std::min(context.now_us() + kAskAgainUs, job.not_after_us + kEdgeGraceUs);
    SaveTarget(context, target);
    return;
  }
  RemoveFromEdges(context, target, target.SendUntil(job));
  ForgetNumber(target);
  target.due_us = job.not_after_us;
  MoveTarget(context, job, target, JobTargetState::kQueued);
}

void OnDue(ApplyContext& context, const JobRules& job, TargetRow& target) {
  switch (target.state) {
    case JobTargetState::kQueued:
    case JobTargetState::kHeld:
      // Its not_before has come; the next thing that falls due is its end.
      if (job.not_after_us > context.now_us()) {
        target.due_us = job.not_after_us;
        SaveTarget(context, target);
        if (job.is_upgrade) {
          if (target.wave <= job.wave && job.cancelled == 0) StartUpgrade(context, job, target);
          return;
        }
        if (const auto index = context.devices.Find(target.device)) ReleaseHead(context, *index);
        return;
      }
      // EXPIRED would say that it was never sent.
      if (MayHaveRun(context, target)) {
        target.error = "it was sent, then held; its time ran out without a result";
        EndTarget(context, job, target, JobTargetState::kLost);
        return;
      }
      target.error = target.wave > job.wave ? "its time ran out before its wave began"
                                            : "its time ran out before it was sent";
      EndTarget(context, job, target, JobTargetState::kExpired);
      return;
    case JobTargetState::kAtEdge:
      if (job.not_after_us > context.now_us()) {
        WaitForNextWindow(context, job, target);
        return;
      }
      target.error = "its time ran out before it was sent";
      EndTarget(context, job, target, JobTargetState::kExpired);
      return;
    // No edge has answered until a minute after the last moment at which it might have sent it.
    case JobTargetState::kCancelling:
      EndTarget(context, job, target, JobTargetState::kCancelled);
      return;
    case JobTargetState::kSent:
    case JobTargetState::kRunning:
      if (job.is_upgrade) {
        EndOverdueUpgrade(context, job, target);
        return;
      }
      LoseTarget(context, job, target,
                 absl::StrCat("no result came within ", job.timeout_seconds, " s"));
      return;
    // An ended one that still had a due time: nothing to do, and it must not come up again.
    default:
      target.due_us = 0;
      SaveTarget(context, target);
  }
}

void WorkOffDueTargets(ApplyContext& context) {
  std::vector<std::pair<uint64_t, uint64_t>> due;
  {
    Query query(context.db,
                "SELECT job, device FROM targets WHERE due_us > 0 AND due_us <= ? "
                "ORDER BY due_us, job, device LIMIT ?",
                context.now_us(), kStep);
    while (query.Step()) due.emplace_back(IdOf(query.Int(0)), IdOf(query.Int(1)));
  }
  for (const auto& [job_id, device] : due) {
    const std::optional<JobRules> job = LoadJob(context, job_id);
    std::optional<TargetRow> target = LoadTarget(context, job_id, device);
    // An earlier one of this list may have moved it.
    if (!job.has_value() || !target.has_value() || target->due_us == 0 ||
        target->due_us > context.now_us()) {
      continue;
    }
    OnDue(context, *job, *target);
  }
}

// A member list whose maker went away is sealed as it is, and cancelled.
void CloseUnsealedJobs(ApplyContext& context) {
  std::vector<uint64_t> jobs;
  {
    Query query(context.db,
                "SELECT id FROM jobs WHERE sealed = 0 AND create_us <= ? "
                "ORDER BY create_us, id LIMIT 10",
                context.now_us() - kUnsealedLifeUs);
    while (query.Step()) jobs.push_back(IdOf(query.Int(0)));
  }
  for (const uint64_t job : jobs) {
    context.db.Run(
        "UPDATE jobs SET sealed = 1, cancelled = 1, cancel_after = ?, stop_reason = ? WHERE id = ?",
        KeyOf(0),
        "musterd stopped while it was made, before all its devices were named; make it again",
        KeyOf(job));
  }
}

}  // namespace

ApplyResult Apply(ApplyContext& context, const internal::v1::Tick& command) {
  if (command.time_us() > kMaxTimeUs) return Malformed("tick");
  MoveTime(context.node, command.time_us());
  ++context.node.ticks;
  LookForSilence(context);
  // In the minute after a jump nothing falls due. What did meanwhile is still there after it.
  if (!context.TimeIsDoubtful()) {
    WorkOffDueTargets(context);
    DropOld(context);
    CloseUnsealedJobs(context);
  }
  return ResultOf(context.node.ticks);
}

}  // namespace muster::server
