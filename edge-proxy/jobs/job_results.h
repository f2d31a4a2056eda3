// Remembers which results are on their way to the control plane, so that a router that posts again
// while it waits does not add a second copy.
//
// Threads:  safe to call from any thread; `done` is called while no lock is held.
// Owns:     nothing; `upstream` must outlive this object, and must have called back before this
//           object goes.
// Example:  job_results_test.cc.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "common/sync/mutex.h"
#include "edge-proxy/jobs/job_events.h"

namespace muster::edge {

class ResultsOnTheWay : public JobResults {
 public:
  explicit ResultsOnTheWay(JobResults& upstream) : upstream_(upstream) {}

  // The same device, number and secret check again: waits for the first.
  void AddJobResult(JobResult result, ResultDone done) override;

 private:
  using Key = std::pair<std::pair<DeviceId, uint64_t>, std::string>;

  void Finish(const Key& key, const absl::Status& status);

  JobResults& upstream_;
  Mutex mutex_;
  absl::flat_hash_map<Key, std::vector<ResultDone>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
