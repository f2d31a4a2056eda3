// What is dropped with each Tick, in steps. Every statement has an ORDER BY and a LIMIT: which rows
// go is part of the state, and must be the same everywhere.
#include "server/state/apply/retention.h"

#include <utility>
#include <vector>

#include "server/state/apply/job_queue.h"

namespace muster::server {
namespace {

constexpr int64_t kRequestLifeUs = 600 * kSecondUs;
constexpr uint64_t kMaxRequests = 1'000'000;
constexpr int64_t kEventLifeUs = int64_t{86'400} * kSecondUs;

// Values of jobs.trimmed.
enum Trimmed : int { kWhole = 0, kWithoutOutputs = 1 };

void DropRequests(ApplyContext& context) {
  context.db.Run(
      "DELETE FROM requests WHERE scope IN (SELECT scope FROM requests WHERE time_us <= ? "
      "ORDER BY time_us, scope LIMIT ?)",
      context.now_us() - kRequestLifeUs, 10 * kStep);
  context.node.request_count -= static_cast<uint64_t>(context.db.Changes());
  // A flood of request ids shortens their time rather than filling the disk.
  if (context.node.request_count <= kMaxRequests) return;
  context.db.Run(
      "DELETE FROM requests WHERE scope IN (SELECT scope FROM requests "
      "ORDER BY time_us, scope LIMIT ?)",
      context.node.request_count - kMaxRequests);
  context.node.request_count = kMaxRequests;
}

// The job that ended first, if that is longer ago than `life_us`; 0: none.
// One job a step: the index jobs_ended leads to it without a walk.
uint64_t NextEnded(ApplyContext& context, Trimmed trimmed, int64_t life_us) {
  Query query(context.db,
              "SELECT id FROM jobs WHERE end_us > 0 AND trimmed = ? AND end_us <= ? "
              "ORDER BY end_us, id LIMIT 1",
              trimmed, context.now_us() - life_us);
  return query.Step() ? IdOf(query.Int(0)) : 0;
}

void DropOutputs(ApplyContext& context) {
  const uint64_t job = NextEnded(context, kWhole, kOutputLifeUs);
  if (job == 0) return;
  context.db.Run(
      "UPDATE targets SET output = '', output_cut = 1 WHERE job = ?1 AND device IN "
      "(SELECT device FROM targets WHERE job = ?1 AND output != '' ORDER BY device LIMIT ?2)",
      KeyOf(job), kStep);
  // Perhaps more of them: the job is looked at again with the next Tick.
  if (context.db.Changes() == kStep) return;
  context.db.Run("UPDATE jobs SET trimmed = ? WHERE id = ?", kWithoutOutputs, KeyOf(job));
}

void DropJobs(ApplyContext& context) {
  const uint64_t job = NextEnded(context, kWithoutOutputs, kJobLifeUs);
  if (job == 0) return;
  std::vector<uint64_t> devices;
  {
    Query query(context.db, "SELECT device FROM targets WHERE job = ? ORDER BY device LIMIT ?",
                KeyOf(job), kStep);
    while (query.Step()) devices.push_back(IdOf(query.Int(0)));
  }
  for (const uint64_t device : devices) {
    // Numbers go with the job: who reports one after 180 days is an orphan. The floor of the
    // device's numbers stays in its row.
    context.db.Run("DELETE FROM numbers WHERE device = ? AND job = ?", KeyOf(device), KeyOf(job));
    context.db.Run("DELETE FROM targets WHERE job = ? AND device = ?", KeyOf(job), KeyOf(device));
  }
  // The job itself goes last, so that no target is ever without its job.
  if (devices.size() == static_cast<size_t>(kStep)) return;
  for (const char* sql :
       {"DELETE FROM job_counts WHERE job = ?", "DELETE FROM job_waves WHERE job = ?",
        "DELETE FROM job_secrets WHERE job = ?", "DELETE FROM jobs WHERE id = ?"}) {
    context.db.Run(sql, KeyOf(job));
  }
}

}  // namespace

void DropOld(ApplyContext& context) {
  DropRequests(context);
  context.db.Run(
      "DELETE FROM events WHERE (device, seq) IN (SELECT device, seq FROM events "
      "WHERE old = 1 AND time_us <= ? ORDER BY time_us, device, seq LIMIT ?)",
      context.now_us() - kEventLifeUs, kStep);
  context.db.Run(
      // An edge that never acknowledges (gone for good, say): after its own deadline it has nothing
      // any more.
      "DELETE FROM holders WHERE (device, number, edge) IN (SELECT device, number, edge "
      "FROM holders WHERE removing = 1 AND drop_us <= ? "
      "ORDER BY drop_us, device, number, edge LIMIT ?)",
      context.now_us(), kStep);
  DropOutputs(context);
  DropJobs(context);
}

}  // namespace muster::server
