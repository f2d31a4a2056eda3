// Reads jobs, their targets, and what lies at edges. Numbers in SQL are values of JobTargetState.
#include <limits>
#include <utility>

#include "server/state/sqlite_state.h"

namespace muster::server {
namespace {

#define JOB_COLUMNS                                                                              \
  "j.id, j.organization, j.description, j.device, j.filter, j.create_us, j.not_before_us, "      \
  "j.not_after_us, j.idempotent, j.ends_with, j.timeout_s, j.expect_version, j.creator, "        \
  "j.target_count, j.end_us, j.canary_count, j.batch_size, j.max_failures, j.wave, j.failures, " \
  "j.stop_reason, j.script_name, j.agent_goal, j.ignore_windows"
#define TARGET_COLUMNS                                                                 \
  "job, device, state, number, attempt, output, output_cut, phase, error, update_us, " \
  "times_sent, wave, change_idx"
// What an edge is to hold, as far as it is still true: the join on t.number leaves out numbers of
// attempts that were given up. The edge may send until the window or the job ends, whichever is
// first.
#define EDGE_JOB_SELECT                                                                      \
  "SELECT h.device, t.job, h.number, s.body, j.not_before_us, "                              \
  "CASE WHEN t.window_end_us > 0 AND t.window_end_us < j.not_after_us THEN t.window_end_us " \
  "ELSE j.not_after_us END, t.times_sent, "                                                  \
  "t.boot_at_first_send, j.timeout_s, j.organization, t.variables, j.has_placeholders FROM " \
  "holders h "                                                                               \
  "JOIN numbers n ON n.device = h.device AND n.number = h.number "                           \
  "JOIN targets t ON t.job = n.job AND t.device = h.device AND t.number = h.number "         \
  "JOIN jobs j ON j.id = n.job JOIN scripts s ON s.hash = j.script_hash "

Job ReadJob(const Query& query) {
  Job job;
  job.id = JobId{IdOf(query.Int(0))};
  job.organization = OrganizationId{IdOf(query.Int(1))};
  job.description = query.Text(2);
  job.device = DeviceId{IdOf(query.Int(3))};
  job.filter = query.Text(4);
  job.create_time_us = query.Int(5);
  job.not_before_us = query.Int(6);
  job.not_after_us = query.Int(7);
  job.idempotent = query.Bool(8);
  job.ends_with = static_cast<JobEnd>(query.Int(9));
  job.timeout_seconds = static_cast<uint32_t>(query.Int(10));
  job.expect_version = query.Text(11);
  job.creator = query.Text(12);
  job.target_count = static_cast<uint32_t>(query.Int(13));
  job.end_time_us = query.Int(14);
  if (query.Int(17) >= 0) {
    job.waves = JobWaves{static_cast<uint32_t>(query.Int(15)), static_cast<uint32_t>(query.Int(16)),
                         static_cast<uint32_t>(query.Int(17)), static_cast<uint32_t>(query.Int(18)),
                         static_cast<uint32_t>(query.Int(19))};
  }
  job.stop_reason = query.Text(20);
  job.script_name = query.Text(21);
  job.ignore_windows = query.Bool(23);
  internal::v1::AgentGoal goal;
  const absl::string_view bytes = query.View(22);
  if (goal.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    job.agent_version = goal.version();
  }
  return job;
}

void ReadCounts(Database& db, Job& job) {
  Query query(db, "SELECT state, count FROM job_counts WHERE job = ? ORDER BY state",
              KeyOf(job.id.value));
  while (query.Step()) {
    const uint64_t state = query.Unsigned(0);
    if (state < kJobTargetStates) job.state_counts[state] = static_cast<uint32_t>(query.Int(1));
  }
}

std::string ReadScript(Database& db, JobId job) {
  Query query(db,
              "SELECT s.body FROM jobs j JOIN scripts s ON s.hash = j.script_hash WHERE j.id = ?",
              KeyOf(job.value));
  return query.Step() ? query.Text(0) : "";
}

JobTarget ReadTarget(const Query& query) {
  JobTarget target;
  target.job = JobId{IdOf(query.Int(0))};
  target.device = DeviceId{IdOf(query.Int(1))};
  target.state = static_cast<JobTargetState>(query.Int(2));
  target.number = query.Unsigned(3);
  target.attempt = static_cast<uint32_t>(query.Int(4));
  target.output = query.Text(5);
  target.output_cut = query.Bool(6);
  target.phase = query.Text(7);
  target.error = query.Text(8);
  target.update_time_us = query.Int(9);
  target.times_sent = static_cast<uint32_t>(query.Int(10));
  target.wave = static_cast<uint32_t>(query.Int(11));
  target.change_index = query.Unsigned(12);
  return target;
}

EdgeJob ReadEdgeJob(const Query& query) {
  EdgeJob job;
  job.device = DeviceId{IdOf(query.Int(0))};
  job.job = JobId{IdOf(query.Int(1))};
  job.number = query.Unsigned(2);
  job.script = query.Text(3);
  job.not_before_us = query.Int(4);
  job.not_after_us = query.Int(5);
  job.times_sent = static_cast<uint32_t>(query.Int(6));
  job.boot_at_first_send = query.Text(7);
  job.timeout_seconds = static_cast<uint32_t>(query.Int(8));
  job.organization = OrganizationId{IdOf(query.Int(9))};
  job.variables = DecodeLabels(query.View(10));
  return job;
}

void ReadSecrets(Database& db, EdgeJob& job) {
  Query query(db,
              "SELECT j.name, s.sealed FROM job_secrets j JOIN secrets s "
              "ON s.organization = j.organization AND s.name = j.name "
              "WHERE j.job = ? ORDER BY j.name",
              KeyOf(job.job.value));
  while (query.Step()) job.sealed_secrets.push_back({query.Text(0), query.Text(1)});
}

}  // namespace

std::optional<Job> SqliteState::FindJob(JobId id, bool with_script) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " JOB_COLUMNS " FROM jobs j WHERE j.id = ?", KeyOf(id.value));
  if (!query.Step()) return std::nullopt;
  Job job = ReadJob(query);
  ReadCounts(*db, job);
  if (with_script) job.script = ReadScript(*db, id);
  return job;
}

std::vector<Job> SqliteState::ListJobs(OrganizationId organization, const JobQuery& wanted,
                                       JobId after, size_t limit) const {
  auto db = readers_.Get();
  // Newest first is by seq, while clients name a job by its id.
  int64_t before = std::numeric_limits<int64_t>::max();
  if (after) {
    Query query(*db, "SELECT seq FROM jobs WHERE id = ?", KeyOf(after.value));
    before = query.Step() ? query.Int(0) : 0;
  }
  std::vector<Job> jobs;
  {
    Query query(*db,
                "SELECT " JOB_COLUMNS
                " FROM jobs j WHERE j.organization = ?1 AND j.seq < ?2 AND j.create_us >= ?3 "
                "AND (?4 = 0 OR j.end_us = 0) AND (?5 = 0 OR EXISTS (SELECT 1 FROM job_counts c "
                "WHERE c.job = j.id AND c.state IN (6, 9, 10, 11) AND c.count > 0)) "
                "AND (?6 = 0 OR EXISTS (SELECT 1 FROM job_counts c "
                "WHERE c.job = j.id AND c.state = 12 AND c.count > 0)) "
                "AND (?7 = ?8 OR EXISTS (SELECT 1 FROM targets t "
                "WHERE t.job = j.id AND t.device = ?7)) "
                "ORDER BY j.seq DESC LIMIT ?9",
                KeyOf(organization.value), before, wanted.created_after_us, wanted.only_open,
                wanted.only_failed, wanted.only_held, KeyOf(wanted.device.value), KeyOf(0), limit);
    while (query.Step()) jobs.push_back(ReadJob(query));
  }
  // After the list's query has ended: a statement serves one reader at a time.
  for (Job& job : jobs) ReadCounts(*db, job);
  return jobs;
}

std::vector<JobTarget> SqliteState::ListJobTargets(JobId job, DeviceId after, size_t limit) const {
  std::vector<JobTarget> targets;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT " TARGET_COLUMNS
              " FROM targets WHERE job = ? AND device > ? ORDER BY device LIMIT ?",
              KeyOf(job.value), KeyOf(after.value), limit);
  while (query.Step()) targets.push_back(ReadTarget(query));
  return targets;
}

std::vector<JobTarget> SqliteState::ListChangedTargets(JobId job, const ChangePlace& after,
                                                       size_t limit) const {
  std::vector<JobTarget> targets;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT " TARGET_COLUMNS
              " FROM targets WHERE job = ? AND (change_idx, device) > (?, ?) "
              "ORDER BY change_idx, device LIMIT ?",
              KeyOf(job.value), after.change_index, KeyOf(after.device.value), limit);
  while (query.Step()) targets.push_back(ReadTarget(query));
  return targets;
}

std::vector<JobTarget> SqliteState::ListOpenTargets(DeviceId device, size_t limit) const {
  std::vector<JobTarget> targets;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT " TARGET_COLUMNS
              " FROM targets WHERE device = ? AND state IN (1, 2, 3, 4, 7, 12) "
              "ORDER BY seq, job LIMIT ?",
              KeyOf(device.value), limit);
  while (query.Step()) targets.push_back(ReadTarget(query));
  return targets;
}

std::optional<JobTarget> SqliteState::FindJobTarget(JobId job, DeviceId device) const {
  auto db = readers_.Get();
  Query query(*db, "SELECT " TARGET_COLUMNS " FROM targets WHERE job = ? AND device = ?",
              KeyOf(job.value), KeyOf(device.value));
  if (!query.Step()) return std::nullopt;
  return ReadTarget(query);
}

std::vector<EdgeJob> SqliteState::ListEdgeJobs(absl::string_view edge, DeviceId after,
                                               size_t limit) const {
  std::vector<EdgeJob> jobs;
  const std::optional<EdgeCore> core = edges_.Find(edge);
  if (!core.has_value()) return jobs;
  auto db = readers_.Get();
  Query query(*db,
              EDGE_JOB_SELECT
              "WHERE h.edge = ? AND h.removing = 0 AND h.device > ? ORDER BY h.device LIMIT ?",
              core->number, KeyOf(after.value), limit);
  while (query.Step()) {
    jobs.push_back(ReadEdgeJob(query));
    if (query.Bool(11)) ReadSecrets(*db, jobs.back());
  }
  return jobs;
}

std::optional<EdgeJob> SqliteState::FindEdgeJob(absl::string_view edge, DeviceId device) const {
  const std::optional<EdgeCore> core = edges_.Find(edge);
  if (!core.has_value()) return std::nullopt;
  auto db = readers_.Get();
  Query query(*db,
              EDGE_JOB_SELECT
              "WHERE h.edge = ? AND h.removing = 0 AND h.device = ? ORDER BY h.number LIMIT 1",
              core->number, KeyOf(device.value));
  if (!query.Step()) return std::nullopt;
  EdgeJob job = ReadEdgeJob(query);
  if (query.Bool(11)) ReadSecrets(*db, job);
  return job;
}

SealedJobSecrets SqliteState::FindJobSecrets(DeviceId device, uint64_t number) const {
  SealedJobSecrets found;
  auto db = readers_.Get();
  Query query(*db,
              "SELECT j.organization, j.name, s.sealed FROM numbers n "
              "JOIN job_secrets j ON j.job = n.job "
              "JOIN secrets s ON s.organization = j.organization AND s.name = j.name "
              "WHERE n.device = ? AND n.number = ? ORDER BY j.name",
              KeyOf(device.value), number);
  while (query.Step()) {
    found.organization = OrganizationId{IdOf(query.Int(0))};
    found.secrets.push_back({query.Text(1), query.Text(2)});
  }
  return found;
}

std::vector<SqliteState::EdgeRemoval> SqliteState::ListEdgeRemovals(absl::string_view edge,
                                                                    DeviceId after,
                                                                    size_t limit) const {
  std::vector<EdgeRemoval> removals;
  const std::optional<EdgeCore> core = edges_.Find(edge);
  if (!core.has_value()) return removals;
  auto db = readers_.Get();
  // A device with several of them must not be cut by the limit: whole devices only.
  Query query(*db,
              "SELECT device, number FROM holders WHERE edge = ?1 AND removing = 1 "
              "AND device IN (SELECT DISTINCT device FROM holders WHERE edge = ?1 "
              "AND removing = 1 AND device > ?2 ORDER BY device LIMIT ?3) "
              "ORDER BY device, number",
              core->number, KeyOf(after.value), limit);
  while (query.Step()) removals.push_back({DeviceId{IdOf(query.Int(0))}, query.Unsigned(1)});
  return removals;
}

}  // namespace muster::server
