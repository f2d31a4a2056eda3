// Agent upgrades: targets without number and queue. A router is offered a text and fetches it with
// one of its next beats; what it reports from then on is all the evidence there is. Some columns of
// a target mean something else here: `sent_us` is when it was heard last, `silent_beats` counts
// good beats.
#include "server/state/apply/agent_upgrades.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/state/apply/agent_offers.h"
#include "server/state/apply/facts.h"
#include "server/state/apply/live_device.h"
#include "server/state/apply/windows.h"

namespace muster::server {
namespace {

// The guard's 15 minutes and what a slow router needs to fetch.
constexpr int64_t kPatienceUs = 20 * 60 * kSecondUs;
// Longer than two beats of a metered router (300 s each), shorter than its guard waits (15 min):
// who is back after such a silence, on the old text, was put back by the guard.
constexpr int64_t kSilenceUs = 10 * 60 * kSecondUs;
// As the agent itself wants two before the new text is current.
constexpr uint32_t kGoodBeats = 2;
// Windows are set and deleted while something waits for them.
constexpr int64_t kLookAgainUs = 60 * kSecondUs;

std::string ReportedAgent(ApplyContext& context, uint64_t device) {
  Query query(context.db, "SELECT facts FROM devices WHERE id = ?", KeyOf(device));
  internal::v1::Facts facts;
  if (!query.Step()) return "";
  const absl::string_view bytes = query.View(0);
  if (!facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return "";
  return facts.agent_version();
}

// As the device reports it once it runs what it is offered. Read anew each time: a rotation in
// between raises the generation, and the upgrade is then to that one.
std::string WantedAgent(ApplyContext& context, DenseIndex index) {
  const AgentOfferRow offer = LoadAgentOffer(context, index);
  if (offer.generation == 0) return offer.version;
  return absl::StrCat(offer.version, "+", offer.generation);
}

internal::v1::AgentGoal LoadGoal(ApplyContext& context, uint64_t job) {
  internal::v1::AgentGoal goal;
  Query query(context.db, "SELECT agent_goal FROM jobs WHERE id = ?", KeyOf(job));
  if (!query.Step()) return goal;
  const absl::string_view bytes = query.View(0);
  if (!goal.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) goal.Clear();
  return goal;
}

// Takes the settings that stand in the text of this device, and the roots that it pins; raises its
// generation, so that "the same version" is not taken for "nothing to do".
void TakeSettings(ApplyContext& context, DenseIndex index, const internal::v1::AgentGoal& goal) {
  // An agent that says nothing of roots is older, and gets another version.
  const std::string roots = ReadFacts(context, index).router_roots();
  const bool other_roots =
      !goal.router_roots().empty() && !roots.empty() && roots != goal.router_roots();
  if (goal.profile() == 0 && goal.urls().empty()) {
    if (other_roots) RaiseGeneration(context, index, goal.version(), "the roots that it pins");
    return;
  }
  DeviceCore core = context.devices.Core(index);
  if (goal.profile() != 0) core.profile = static_cast<Profile>(goal.profile());
  context.devices.SetCore(index, core);
  context.db.Run("UPDATE devices SET profile = ? WHERE dense = ?", core.profile, index);
  if (!goal.urls().empty()) SaveUrls(context, index, goal.urls());
  RaiseGeneration(context, index, goal.version(), "an agent upgrade changes its settings");
}

void SetUpgrade(ApplyContext& context, uint64_t device, uint64_t job) {
  const auto index = context.devices.Find(device);
  if (!index.has_value()) return;
  DeviceCore core = context.devices.Core(*index);
  core.upgrade_job = job;
  context.devices.SetCore(*index, core);
}

void End(ApplyContext& context, const JobRules& job, TargetRow& target, JobTargetState state,
         absl::string_view why) {
  target.error = std::string(why);
  if (state != JobTargetState::kSucceeded) WithdrawUpgrade(context, target);
  SetUpgrade(context, target.device, 0);
  MoveTarget(context, job, target, state);
}

// When it may begin, as far as that can be told; 0: now.
int64_t WaitsUntil(ApplyContext& context, const JobRules& job, const TargetRow& target) {
  if (job.not_before_us > context.now_us()) return job.not_before_us;
  if (job.ignore_windows) return 0;
  const WindowState window = WindowsOf(context, job.organization, target.device);
  if (window.open) return 0;
  const int64_t look_again = context.now_us() + kLookAgainUs;
  return window.until_us == 0 ? look_again : std::min(window.until_us, look_again);
}

}  // namespace

void StartUpgrade(ApplyContext& context, const JobRules& job, TargetRow& target) {
  if (const int64_t wait_us = WaitsUntil(context, job, target); wait_us > 0) {
    target.due_us = std::min(wait_us, job.not_after_us);
    SaveTarget(context, target);
    return;
  }
  const auto device = FindLiveDevice(context, target.device, job.organization);
  if (!device.ok()) {
    End(context, job, target, JobTargetState::kFailed, "the device was deleted");
    return;
  }
  if (device->core.upgrade_job != 0) {
    End(context, job, target, JobTargetState::kFailed, "another agent upgrade is under way on it");
    return;
  }
  const internal::v1::AgentGoal goal = LoadGoal(context, job.id);
  TakeSettings(context, device->index, goal);
  SetAgentOffer(context, device->index, goal.version(), true, "an agent upgrade");
  if (ReportedAgent(context, target.device) == WantedAgent(context, device->index)) {
    End(context, job, target, JobTargetState::kSucceeded, "");
    return;
  }
  SetUpgrade(context, target.device, job.id);
  // When it was heard last; beats of the wanted agent are counted in silent_beats.
  target.sent_us = context.now_us();
  target.due_us = context.now_us() + kPatienceUs;
  MoveTarget(context, job, target, JobTargetState::kRunning);
}

void JudgeUpgrade(ApplyContext& context, DenseIndex index, int64_t time_us) {
  const DeviceCore core = context.devices.Core(index);
  const std::optional<JobRules> job = LoadJob(context, core.upgrade_job);
  std::optional<TargetRow> target = LoadTarget(context, core.upgrade_job, core.id);
  if (!job.has_value() || !target.has_value() || target->state != JobTargetState::kRunning) return;
  const std::string reported = ReportedAgent(context, core.id);
  const std::string wanted = WantedAgent(context, index);
  // Before sent_us is moved to this beat.
  const bool was_silent = time_us - target->sent_us > kSilenceUs;
  target->sent_us = std::max(target->sent_us, time_us);
  if (reported == wanted) {
    if (++target->silent_beats >= kGoodBeats) {
      End(context, *job, *target, JobTargetState::kSucceeded, "");
      return;
    }
  } else if (target->silent_beats > 0 || was_silent) {
    // It had the wanted text, or it was away long enough to have had it.
    End(context, *job, *target, JobTargetState::kReverted,
        absl::StrCat("the router is back on agent ", reported, ", wanted ", wanted));
    return;
  }
  SaveTarget(context, *target);
}

void EndOverdueUpgrade(ApplyContext& context, const JobRules& job, TargetRow& target) {
  const bool silent = context.now_us() - target.sent_us > kSilenceUs;
  if (silent) {
    End(context, job, target, JobTargetState::kLost,
        "the router is silent since it was offered the new agent");
  } else {
    End(context, job, target, JobTargetState::kFailed,
        "the router keeps its old agent; 20 minutes have passed");
  }
}

void WithdrawUpgrade(ApplyContext& context, const TargetRow& target) {
  const auto index = context.devices.Find(target.device);
  if (!index.has_value()) return;
  const AgentOfferRow offer = LoadAgentOffer(context, *index);
  // The version stays in the row: it says what the device was to have.
  if (offer.offered) SetAgentOffer(context, *index, offer.version, false, "the upgrade has ended");
}

}  // namespace muster::server
