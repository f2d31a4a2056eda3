// Waves of a job: counting in the end of each target, opening and releasing in steps of ExpandJob.
// What is counted is in rows that change with each end, so `job`, which was read before, is asked
// only for what does not change in between.
#include "server/state/apply/job_waves.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "server/state/apply/agent_upgrades.h"

namespace muster::server {
namespace {

// Values of jobs.wave_due: what the housekeeping shall do next.
enum Due : int { kNothing = 0, kOpenNext = 1, kRelease = 2 };

bool IsFailure(JobTargetState state) {
  return state == JobTargetState::kFailed || state == JobTargetState::kLost ||
         state == JobTargetState::kReverted || state == JobTargetState::kExpired;
}

void SetDue(ApplyContext& context, const JobRules& job, Due due) {
  context.db.Run("UPDATE jobs SET wave_due = ? WHERE id = ?", due, KeyOf(job.id));
  // Wakes the housekeeping, which else looks only with the next Tick.
  context.Changed({.kind = ChangeKind::kJob,
                   .organization = OrganizationId{job.organization},
                   .job = JobId{job.id}});
}

// Counted as targets end; counting the targets themselves would be a walk over the job with each
// end.
int64_t OpenIn(ApplyContext& context, uint64_t job, uint32_t wave) {
  Query query(context.db, "SELECT open FROM job_waves WHERE job = ? AND wave = ?", KeyOf(job),
              wave);
  return query.Step() ? query.Int(0) : 0;
}

void StopIfTooMany(ApplyContext& context, const JobRules& job) {
  int64_t failures = 0;
  {
    Query query(context.db,
                // From the row: several targets may have failed in this command.
                "SELECT failures FROM jobs WHERE id = ? AND cancelled = 0 AND max_failures >= 0 "
                "AND failures > max_failures",
                KeyOf(job.id));
    if (!query.Step()) return;
    failures = query.Int(0);
  }
  const std::string reason = absl::StrCat(
      failures, failures == 1 ? " device failed, " : " devices failed, ",
      job.max_failures == 0 ? "none" : absl::StrCat("at most ", job.max_failures), " may");
  context.db.Run(
      "UPDATE jobs SET cancelled = 1, sealed = 1, cancel_after = ?, stop_reason = ? WHERE id = ?",
      // cancelled = 1 stops every release from here on; the cancelling itself goes in steps.
      KeyOf(0), reason, KeyOf(job.id));
  context.Changed({.kind = ChangeKind::kJob,
                   .organization = OrganizationId{job.organization},
                   .job = JobId{job.id}});
}

std::vector<uint64_t> NextToRelease(ApplyContext& context, const JobRules& job) {
  std::vector<uint64_t> devices;
  Query query(context.db,
              "SELECT device FROM targets WHERE job = ?1 AND device > "
              "(SELECT wave_after FROM jobs WHERE id = ?1) AND wave = ?2 AND state = 1 "
              "ORDER BY device LIMIT ?3",
              KeyOf(job.id), job.wave, kStep);
  while (query.Step()) devices.push_back(IdOf(query.Int(0)));
  return devices;
}

// The next wave with anything left to do; waves whose targets have all ended (deleted devices, say)
// are passed over. 0: none.
uint32_t NextWave(ApplyContext& context, const JobRules& job) {
  Query query(context.db,
              "SELECT wave FROM job_waves WHERE job = ? AND wave > ? AND open > 0 "
              "ORDER BY wave LIMIT 1",
              KeyOf(job.id), job.wave);
  return query.Step() ? static_cast<uint32_t>(query.Int(0)) : 0;
}

}  // namespace

uint32_t WaveOf(const JobRules& job, uint64_t at) {
  if (!job.has_waves()) return 0;
  if (at < job.canary_count) return 1;
  const uint32_t first = job.canary_count > 0 ? 2 : 1;
  if (job.batch_size == 0) return first;
  return first + static_cast<uint32_t>((at - job.canary_count) / job.batch_size);
}

void CountInWave(ApplyContext& context, const JobRules& job, const TargetRow& target,
                 JobTargetState from, JobTargetState to, bool is_new) {
  // A job without waves and without a limit counts nothing.
  if (job.max_failures < 0) return;
  const int64_t open = (is_new || HasEnded(from) ? 0 : -1) + (HasEnded(to) ? 0 : 1);
  if (job.has_waves() && open != 0) {
    context.db.Run(
        "INSERT INTO job_waves (job, wave, open) VALUES (?1, ?2, max(?3, 0)) "
        "ON CONFLICT (job, wave) DO UPDATE SET open = open + ?3",
        KeyOf(job.id), target.wave, open);
  }
  // What ended before its turn says nothing of the script.
  if (target.wave > job.wave) return;
  // A late success takes its failure back.
  const int64_t failures = (IsFailure(to) ? 1 : 0) - (!is_new && IsFailure(from) ? 1 : 0);
  if (failures != 0) {
    context.db.Run("UPDATE jobs SET failures = failures + ? WHERE id = ?", failures, KeyOf(job.id));
  }
  if (failures > 0) StopIfTooMany(context, job);
  // Only the end of the open wave matters; ends in later ones (cancelled by hand) are found by
  // NextWave.
  const bool done = job.has_waves() && target.wave == job.wave && open < 0 &&
                    OpenIn(context, job.id, job.wave) == 0;
  if (done) SetDue(context, job, kOpenNext);
}

void BeginWaves(ApplyContext& context, const JobRules& job) {
  if (!job.has_waves() || job.wave != 0 || job.cancelled != 0) return;
  Query query(context.db,
              "SELECT 1 FROM jobs j WHERE j.id = ?1 AND j.sealed = 1 AND NOT EXISTS "
              "(SELECT 1 FROM job_members m WHERE m.job = ?1)",
              KeyOf(job.id));
  if (query.Step()) SetDue(context, job, kOpenNext);
}

void StepWaves(ApplyContext& context, const JobRules& job) {
  if (job.wave_due == kOpenNext) {
    const bool still_open = job.wave > 0 && OpenIn(context, job.id, job.wave) > 0;
    const uint32_t next = still_open ? 0 : NextWave(context, job);
    // Either the wave is not through after all, or there is none left.
    if (next == 0) {
      SetDue(context, job, kNothing);
      return;
    }
    // Opening is one row; the targets are released in steps, from the first device on.
    context.db.Run("UPDATE jobs SET wave = ?, wave_after = ? WHERE id = ?", next, KeyOf(0),
                   KeyOf(job.id));
    SetDue(context, job, kRelease);
    return;
  }
  const std::vector<uint64_t> devices = NextToRelease(context, job);
  for (const uint64_t device : devices) {
    if (job.is_upgrade) {
      std::optional<TargetRow> target = LoadTarget(context, job.id, device);
      if (target.has_value()) StartUpgrade(context, job, *target);
      continue;
    }
    if (const auto index = context.devices.Find(device)) ReleaseHead(context, *index);
  }
  if (devices.size() == static_cast<size_t>(kStep)) {
    context.db.Run("UPDATE jobs SET wave_after = ? WHERE id = ?", KeyOf(devices.back()),
                   KeyOf(job.id));
  } else if (OpenIn(context, job.id, job.wave) > 0) {
    // Released; from here on the end of its last target opens the next.
    SetDue(context, job, kNothing);
  } else {
    SetDue(context, job, kOpenNext);
  }
}

}  // namespace muster::server
