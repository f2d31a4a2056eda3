// The queue of a device: targets in order of their sequence, of which at most one lies between
// AT_EDGE and its end. Every rule that moves a target goes through MoveTarget, so that counts,
// waves, the device's core and watchers never disagree with the row.
#include "server/state/apply/job_queue.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/state/apply/job_variables.h"
#include "server/state/apply/job_waves.h"
#include "server/state/apply/releases.h"
#include "server/state/apply/windows.h"

namespace muster::server {
namespace {

// Targets without their values that end in one step; the rest of such a queue ends at the next
// check-in, so that no command does unbounded work.
constexpr int kMostUnfit = 16;

// ReadTarget counts on this order.
#define TARGET_COLUMNS                                                                     \
  "job, device, seq, state, number, attempt, cancel_wanted, due_us, times_sent, sent_us, " \
  "boot_at_first_send, silent_beats, result_digest, phase, error, silent_us, wave, "       \
  "window_end_us, stop_wanted, change_idx"

TargetRow ReadTarget(const Query& query) {
  TargetRow row;
  row.job = IdOf(query.Int(0));
  row.device = IdOf(query.Int(1));
  row.sequence = query.Unsigned(2);
  row.state = static_cast<JobTargetState>(query.Int(3));
  row.number = query.Unsigned(4);
  row.attempt = static_cast<uint32_t>(query.Int(5));
  row.cancel_wanted = query.Bool(6);
  row.due_us = query.Int(7);
  row.times_sent = static_cast<uint32_t>(query.Int(8));
  row.sent_us = query.Int(9);
  row.boot_at_first_send = query.Text(10);
  row.silent_beats = static_cast<uint32_t>(query.Int(11));
  row.result_digest = query.Text(12);
  row.phase = query.Text(13);
  row.error = query.Text(14);
  row.silent_us = query.Int(15);
  row.wave = static_cast<uint32_t>(query.Int(16));
  row.window_end_us = query.Int(17);
  row.stop_wanted = query.Bool(18);
  row.change_index = query.Unsigned(19);
  return row;
}

bool IsOpen(JobTargetState state) {
  return state == JobTargetState::kAtEdge || state == JobTargetState::kSent ||
         state == JobTargetState::kRunning || state == JobTargetState::kCancelling;
}

void Count(ApplyContext& context, uint64_t job, JobTargetState state, int64_t by) {
  context.db.Run(
      "INSERT INTO job_counts (job, state, count) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (job, state) DO UPDATE SET count = count + ?3",
      KeyOf(job), state, by);
}

// The job's own end, when its last target has ended. Decided by the row and not by `job`, which is
// a copy from before: end_us is 0 whenever something is open, and members that are no targets yet
// are open.
void CountOpen(ApplyContext& context, const JobRules& job, int64_t by) {
  context.db.Run("UPDATE jobs SET open_count = open_count + ? WHERE id = ?", by, KeyOf(job.id));
  context.db.Run(
      "UPDATE jobs SET end_us = CASE WHEN open_count = 0 AND sealed = 1 THEN ? ELSE 0 END "
      "WHERE id = ?",
      context.now_us(), KeyOf(job.id));
  Query query(context.db, "SELECT 1 FROM jobs WHERE id = ? AND end_us > 0", KeyOf(job.id));
  if (!query.Step()) return;
  context.Changed({.kind = ChangeKind::kJob,
                   .organization = OrganizationId{job.organization},
                   .job = JobId{job.id}});
}

void TargetChanged(ApplyContext& context, const JobRules& job, const TargetRow& target) {
  context.Changed({.kind = ChangeKind::kJobTarget,
                   .organization = OrganizationId{job.organization},
                   .device = DeviceId{target.device},
                   .job = JobId{target.job},
                   .number = target.number});
}

// Keeps the core's view of queue and open job right.
// The core is what a check-in looks at, so a target that is queued but not counted here would wait
// for ever.
void MoveInCore(ApplyContext& context, const TargetRow& target, JobTargetState from,
                JobTargetState to) {
  const auto both = context.devices.FindBoth(target.device);
  if (!both.has_value()) return;
  DeviceCore core = both->core;
  // AddTarget comes with a `from` that is no state of its own (SUCCEEDED), since there was none.
  if (from == JobTargetState::kQueued && core.queued > 0) --core.queued;
  if (to == JobTargetState::kQueued) ++core.queued;
  if (IsOpen(to)) {
    core.open_number = target.number;
    core.open_job = target.job;
  } else if (IsOpen(from) && core.open_job == target.job) {
    // Compared by job, because the number may just have been forgotten.
    core.open_number = 0;
    core.open_job = 0;
  }
  context.devices.SetCore(both->index, core);
}

// REPLACE, because an edge that was asked to drop the number may hold it again: the row says what
// is wanted now, and the stream tells the edge.
void InsertHolder(ApplyContext& context, const TargetRow& target, uint16_t edge,
                  int64_t not_after_us) {
  context.db.Run(
      "INSERT OR REPLACE INTO holders (device, number, edge, removing, drop_us) "
      "VALUES (?, ?, ?, 0, ?)",
      KeyOf(target.device), target.number, edge, not_after_us + kEdgeGraceUs);
  context.Changed({.kind = ChangeKind::kJobPut,
                   .device = DeviceId{target.device},
                   .job = JobId{target.job},
                   .number = target.number,
                   .edge = context.edges.Get(edge).id});
}

// Gives the number and only then the job: `numbers` outlives every attempt, so that whatever a
// router reports finds its target.
void GiveNumber(ApplyContext& context, const JobRules& job, TargetRow& target,
                DeviceTable::Both& both, const std::vector<uint16_t>& edges) {
  DeviceCore& core = both.core;
  // Above all that was given, all that the router ever reported, and state time in microseconds.
  // The last keeps numbers rising after the state was restored from an older copy: what the lost
  // time gave lies below it (device-protocol, section 6).
  target.number = std::max({core.last_given + 1, core.highest_reported + 1,
                            static_cast<uint64_t>(std::max<int64_t>(context.now_us(), 1))});
  core.last_given = target.number;
  context.devices.SetCore(both.index, core);
  SaveCoreNumbers(context, both.index, core);
  context.db.Run("INSERT INTO numbers (device, number, job) VALUES (?, ?, ?)", KeyOf(target.device),
                 target.number, KeyOf(target.job));
  // No edge sends it later than this: they enforce the time themselves, by a clock that we have
  // corrected.
  target.due_us = target.SendUntil(job) + kEdgeGraceUs;
  MoveTarget(context, job, target, JobTargetState::kAtEdge);
  for (const uint16_t edge : edges) InsertHolder(context, target, edge, target.SendUntil(job));
}

// The first queued target of the device whose time has come. One whose not_before lies ahead, whose
// wave is closed or whose job was stopped is passed over: it doesn't hold back those behind it.
// Where no window is open, only of jobs that ignore them.
std::optional<TargetRow> FindHead(ApplyContext& context, uint64_t device, bool window_open,
                                  JobRules& job) {
  uint64_t id = 0;
  {
    Query query(context.db,
                // The second condition on the state repeats the first for SQLite, which uses the
                // partial index targets_open only where the query has the index's own WHERE among
                // its terms.
                "SELECT t.job FROM targets t JOIN jobs j ON j.id = t.job "
                "WHERE t.device = ?1 AND t.state = 1 AND t.state IN (1, 2, 3, 4, 7, 12) "
                "AND j.not_before_us <= ?2 AND j.not_after_us > ?2 AND j.cancelled = 0 "
                "AND t.wave <= j.wave AND length(j.agent_goal) = 0 "
                "AND (?3 = 1 OR j.ignore_windows = 1) ORDER BY t.seq LIMIT 1",
                KeyOf(device), context.now_us(), window_open);
    if (!query.Step()) return std::nullopt;
    id = IdOf(query.Int(0));
  }
  const std::optional<JobRules> rules = LoadJob(context, id);
  if (!rules.has_value()) return std::nullopt;
  job = *rules;
  return LoadTarget(context, id, device);
}

}  // namespace

// Those that heard it within 10 minutes, and its newest however long ago, so that a router which
// was away finds its job where it comes back most likely.
std::vector<uint16_t> EdgesFor(ApplyContext& context, const StatusRow& row) {
  std::vector<uint16_t> edges;
  const int64_t oldest_s = (context.now_us() - kRecentEdgeUs) / kSecondUs;
  for (int i = 0; i < kRecentEdges; ++i) {
    const uint16_t edge = row.edge[i];
    if (edge == kNoEdge || (i > 0 && row.edge_s[i] < oldest_s)) continue;
    if (edge < context.edges.size() && !context.edges.Get(edge).revoked) edges.push_back(edge);
  }
  return edges;
}

std::optional<JobRules> LoadJob(ApplyContext& context, uint64_t job) {
  Query query(context.db,
              "SELECT organization, not_before_us, not_after_us, idempotent, ends_with, "
              "timeout_s, expect_version, cancelled, canary_count, batch_size, max_failures, wave, "
              "wave_due, members_done, stop_reason, sealed, has_placeholders, length(agent_goal), "
              "ignore_windows, stop_running FROM jobs WHERE id = ?",
              KeyOf(job));
  if (!query.Step()) return std::nullopt;
  JobRules rules;
  rules.id = job;
  rules.organization = IdOf(query.Int(0));
  rules.not_before_us = query.Int(1);
  rules.not_after_us = query.Int(2);
  rules.idempotent = query.Bool(3);
  rules.ends_with = static_cast<JobEnd>(query.Int(4));
  rules.timeout_seconds = static_cast<uint32_t>(query.Int(5));
  rules.expect_version = query.Text(6);
  rules.cancelled = static_cast<int>(query.Int(7));
  rules.canary_count = static_cast<uint32_t>(query.Int(8));
  rules.batch_size = static_cast<uint32_t>(query.Int(9));
  rules.max_failures = query.Int(10);
  rules.wave = static_cast<uint32_t>(query.Int(11));
  rules.wave_due = static_cast<int>(query.Int(12));
  rules.members_done = query.Unsigned(13);
  rules.stop_reason = query.Text(14);
  rules.has_placeholders = query.Bool(16);
  rules.is_upgrade = query.Int(17) > 0;
  rules.ignore_windows = query.Bool(18);
  rules.stop_running = query.Bool(19);
  rules.sealed = query.Bool(15);
  return rules;
}

std::optional<TargetRow> LoadTarget(ApplyContext& context, uint64_t job, uint64_t device) {
  Query query(context.db, "SELECT " TARGET_COLUMNS " FROM targets WHERE job = ? AND device = ?",
              KeyOf(job), KeyOf(device));
  if (!query.Step()) return std::nullopt;
  return ReadTarget(query);
}

std::optional<TargetRow> LoadTargetByNumber(ApplyContext& context, uint64_t device,
                                            uint64_t number) {
  uint64_t job = 0;
  {
    Query query(context.db, "SELECT job FROM numbers WHERE device = ? AND number = ?",
                KeyOf(device), number);
    if (!query.Step()) return std::nullopt;
    job = IdOf(query.Int(0));
  }
  return LoadTarget(context, job, device);
}

void SaveTarget(ApplyContext& context, const TargetRow& t) {
  context.db.Run(
      "UPDATE targets SET seq = ?, state = ?, number = ?, attempt = ?, cancel_wanted = ?, "
      "due_us = ?, update_us = ?, times_sent = ?, sent_us = ?, boot_at_first_send = ?, "
      "silent_beats = ?, silent_us = ?, result_digest = ?, phase = ?, error = ?, "
      "window_end_us = ?, stop_wanted = ?, change_idx = ? "
      "WHERE job = ? AND device = ?",
      t.sequence, t.state, t.number, t.attempt, t.cancel_wanted, t.due_us, context.now_us(),
      t.times_sent, t.sent_us, t.boot_at_first_send, t.silent_beats, t.silent_us,
      Blob{t.result_digest}, t.phase, t.error, t.window_end_us, t.stop_wanted, t.change_index,
      KeyOf(t.job), KeyOf(t.device));
}

void ForgetNumber(TargetRow& target) {
  target.number = 0;
  target.times_sent = 0;
  target.sent_us = 0;
  target.boot_at_first_send.clear();
  target.silent_beats = 0;
  target.silent_us = 0;
  target.window_end_us = 0;
}

void AddTarget(ApplyContext& context, const JobRules& job, TargetRow& t) {
  t.job = job.id;
  t.sequence = context.NextSequence();
  t.change_index = context.index;
  t.due_us = HasEnded(t.state)                      ? 0
             : job.not_before_us > context.now_us() ? job.not_before_us
                                                    : job.not_after_us;
  context.db.Run("INSERT INTO targets (" TARGET_COLUMNS
                 ", update_us, output_cut, output) "
                 "VALUES (?, ?, ?, ?, 0, 1, 0, ?, 0, 0, '', 0, x'', ?, ?, 0, ?, 0, 0, ?, ?, 0, '')",
                 KeyOf(t.job), KeyOf(t.device), t.sequence, t.state, t.due_us, t.phase, t.error,
                 t.wave, t.change_index, context.now_us());
  // Until now the job counted this member as queued.
  if (t.state != JobTargetState::kQueued) {
    Count(context, t.job, JobTargetState::kQueued, -1);
    Count(context, t.job, t.state, 1);
  }
  if (HasEnded(t.state)) CountOpen(context, job, -1);
  CountInWave(context, job, t, t.state, t.state, true);
  if (!job.is_upgrade) MoveInCore(context, t, JobTargetState::kSucceeded, t.state);
  TargetChanged(context, job, t);
}

void MoveTarget(ApplyContext& context, const JobRules& job, TargetRow& target,
                JobTargetState state) {
  const JobTargetState from = target.state;
  target.state = state;
  if (HasEnded(state)) target.due_us = 0;
  target.change_index = context.index;
  SaveTarget(context, target);
  // A move to the same state (a new due time, say) is saved and told, but counts for nothing.
  if (from != state) {
    Count(context, target.job, from, -1);
    Count(context, target.job, state, 1);
    const int64_t open = int64_t{HasEnded(from)} - int64_t{HasEnded(state)};
    if (open != 0) CountOpen(context, job, open);
    CountInWave(context, job, target, from, state, false);
    if (!job.is_upgrade) MoveInCore(context, target, from, state);
  }
  TargetChanged(context, job, target);
}

void EndTarget(ApplyContext& context, const JobRules& job, TargetRow& target,
               JobTargetState state) {
  MoveTarget(context, job, target, state);
  if (target.number != 0) RemoveFromEdges(context, target, job.not_after_us);
  const auto index = context.devices.Find(target.device);
  if (!index.has_value()) return;
  // Before the next release: the end of the release job makes a tombstone, which must get nothing
  // more.
  if (context.devices.Core(*index).releasing) OnTargetEnded(context, *index, target);
  ReleaseHead(context, *index);
}

void LoseTarget(ApplyContext& context, const JobRules& job, TargetRow& target,
                absl::string_view why) {
  target.error = std::string(why);
  const auto both = context.devices.FindBoth(target.device);
  // Any of these would make the repetition a surprise: an operator cancelled it, its time is over,
  // or somebody has to look at the device first.
  const bool again = job.idempotent && target.attempt < kMaxAttempts && !target.cancel_wanted &&
                     job.cancelled == 0 && job.not_after_us > context.now_us() &&
                     both.has_value() && !both->core.held && both->core.delete_index == 0;
  if (!again) {
    EndTarget(context, job, target, JobTargetState::kLost);
    return;
  }
  RemoveFromEdges(context, target, job.not_after_us);
  // Edges that still have the old number may send it even now; the router takes it only if it is
  // above all it has started, so at worst it runs before the new one, which an idempotent job
  // allows.
  ++target.attempt;
  ForgetNumber(target);
  target.due_us = job.not_after_us;
  MoveTarget(context, job, target, JobTargetState::kQueued);
  ReleaseHead(context, both->index);
}

void TellStop(ApplyContext& context, const TargetRow& target, uint16_t edge) {
  context.Changed({.kind = ChangeKind::kJobStop,
                   .device = DeviceId{target.device},
                   .job = JobId{target.job},
                   .number = target.number,
                   .edge = context.edges.Get(edge).id});
}

bool StopOne(ApplyContext& context, const JobRules& job, TargetRow& target) {
  const bool sent = target.state == JobTargetState::kSent;
  if (job.is_upgrade || (!sent && target.state != JobTargetState::kRunning)) return false;
  const auto both = context.devices.FindBoth(target.device);
  if (!both.has_value()) return false;
  target.cancel_wanted = true;
  target.stop_wanted = true;
  target.error = "its router is told to stop it";
  target.change_index = context.index;
  SaveTarget(context, target);
  TargetChanged(context, job, target);
  // What runs is not sent again, and its edges need it to take secrets out of its output.
  if (sent) RemoveFromEdges(context, target, job.not_after_us);
  for (const uint16_t edge : EdgesFor(context, both->row)) TellStop(context, target, edge);
  return true;
}

bool MayHaveRun(ApplyContext& context, const TargetRow& target) {
  if (target.number == 0) return false;
  const auto both = context.devices.FindBoth(target.device);
  return target.times_sent > 0 || target.state == JobTargetState::kSent ||
         target.state == JobTargetState::kRunning ||
         (both.has_value() && both->core.highest_reported >= target.number);
}

bool IsPlausibleNumber(const ApplyContext& context, const DeviceCore& core, uint64_t number) {
  const int64_t latest_us = std::max<int64_t>(context.now_us(), 0) + kMostAheadUs;
  return number <=
         std::max({core.last_given, core.highest_reported, static_cast<uint64_t>(latest_us)});
}

bool ShowsNotStarted(const ApplyContext& context, const DeviceTable::Both& device, uint64_t number,
                     int64_t sent_us) {
  return device.row.time_us >= sent_us + kStartMarginUs && device.core.highest_reported < number &&
         IsPlausibleNumber(context, device.core, device.core.expected_last);
}

void ReleaseHead(ApplyContext& context, DenseIndex index) {
  // A head whose script can't be filled in ends here, and it is the next one's turn.
  for (int tried = 0; tried < kMostUnfit; ++tried) {
    const DeviceCore core = context.devices.Core(index);
    if (core.queued == 0 || core.open_number != 0 || core.held || core.delete_index != 0) return;
    const StatusRow row = context.devices.Row(index);
    const std::vector<uint16_t> edges = EdgesFor(context, row);
    if (edges.empty()) return;
    JobRules job;
    const WindowState window = WindowsOf(context, core.organization, core.id);
    std::optional<TargetRow> head = FindHead(context, core.id, window.open, job);
    if (!head.has_value()) return;
    // Kept with the number: a window that is changed later doesn't reach what edges hold already.
    head->window_end_us = job.ignore_windows ? 0 : window.until_us;
    // At the last moment before the number, and never after it: an edge that asks twice for one
    // number gets one text.
    head->error = TakeVariables(context, job, *head);
    if (head->error.empty()) {
      DeviceTable::Both both{index, core, row};
      GiveNumber(context, job, *head, both, edges);
      return;
    }
    // MoveTarget and not EndTarget, which would come back here: a long queue of unfit ones would go
    // as deep as it is long.
    head->phase = "variables";
    MoveTarget(context, job, *head, JobTargetState::kFailed);
  }
}

void AddHolder(ApplyContext& context, const TargetRow& target, uint16_t edge,
               int64_t not_after_us) {
  {
    Query query(context.db, "SELECT 1 FROM holders WHERE device = ? AND number = ? AND edge = ?",
                KeyOf(target.device), target.number, edge);
    if (query.Step()) return;
  }
  if (CountHolders(context, target.device, target.number) >= kMaxHolders) return;
  InsertHolder(context, target, edge, not_after_us);
}

int CountHolders(ApplyContext& context, uint64_t device, uint64_t number) {
  Query query(context.db, "SELECT count(*) FROM holders WHERE device = ? AND number = ?",
              KeyOf(device), number);
  return query.Step() ? static_cast<int>(query.Int(0)) : 0;
}

int RemoveFromEdges(ApplyContext& context, const TargetRow& target, int64_t not_after_us) {
  std::vector<uint16_t> edges;
  int left = 0;
  {
    Query query(context.db,
                "SELECT edge, removing FROM holders WHERE device = ? AND number = ? "
                "ORDER BY edge",
                KeyOf(target.device), target.number);
    while (query.Step()) {
      // One that was asked before is still a holder: only its acknowledgement frees it.
      ++left;
      if (!query.Bool(1)) edges.push_back(static_cast<uint16_t>(query.Int(0)));
    }
  }
  for (const uint16_t edge : edges) {
    context.db.Run("UPDATE holders SET removing = 1 WHERE device = ? AND number = ? AND edge = ?",
                   KeyOf(target.device), target.number, edge);
    context.Changed({.kind = ChangeKind::kJobRemove,
                     .device = DeviceId{target.device},
                     .job = JobId{target.job},
                     .number = target.number,
                     .edge = context.edges.Get(edge).id});
  }
  return left;
}

void SaveCoreNumbers(ApplyContext& context, DenseIndex index, const DeviceCore& core) {
  context.db.Run(
      "UPDATE devices SET last_given = ?, highest_reported = ?, expected_last = ?, held = ? "
      "WHERE dense = ?",
      core.last_given, core.highest_reported, core.expected_last, core.held, index);
}

}  // namespace muster::server
