// Counting around another log. What a command would count is taken before it is given away: by the
// time of the answer it is gone.
#include "server/main/measured_log.h"

#include <utility>

namespace muster::server {
namespace {

// What a command would add to the counts.
struct Weight {
  uint64_t check_ins = 0;
  uint64_t job_results = 0;
  bool creates_job = false;
};

Weight WeightOf(const Command& command) {
  Weight weight;
  weight.check_ins = static_cast<uint64_t>(command.edge_batch().check_ins_size());
  weight.job_results = static_cast<uint64_t>(command.edge_batch().job_results_size());
  weight.creates_job = command.has_create_job();
  return weight;
}

void Count(const Weight& weight, const Applied& applied, LogCounts& counts) {
  ++counts.applied;
  // A duplicate brings nothing that was not counted.
  if (applied.result.edge_batch().outcome() == internal::v1::BATCH_OUTCOME_TAKEN) {
    counts.check_ins += weight.check_ins;
    counts.job_results += weight.job_results;
  }
  if (weight.creates_job && !applied.repeated) ++counts.jobs_created;
  if (applied.result.enroll().created()) ++counts.devices_enrolled;
}

}  // namespace

void MeasuredLog::ProposeAsync(Command command, Done done) {
  ++counts_.waiting;
  const Weight weight = WeightOf(command);
  log_.ProposeAsync(std::move(command),
                    [this, weight, done = std::move(done)](absl::StatusOr<Applied> applied) {
                      --counts_.waiting;
                      if (applied.ok()) {
                        Count(weight, *applied, counts_);
                      } else {
                        ++counts_.refused;
                      }
                      done(std::move(applied));
                    });
}

}  // namespace muster::server
