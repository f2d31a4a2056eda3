// Remembers which results are on their way to the control plane, so that a router that posts again
// while it waits does not add a second copy. Another result for the same number is no copy: it goes
// up behind the first, and the control plane, where the first wins, makes an event of it.
//
// Routers do repeat: the agent posts again when no answer came within its patience, and a fetch
// stuck in the background has been seen to send twice (device-protocol.md, section 6).
// Threads:  safe to call from any thread; `done` is called while no lock is held.
// Owns:     nothing; `upstream` must outlive this object, and must have called back before this
//           object goes.
// Example:  job_results_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "common/sync/mutex.h"
#include "edge-proxy/jobs/job_events.h"

namespace muster::edge {

// Nothing is remembered once the answer came: a later copy goes up again, and there the first wins.
class ResultsOnTheWay : public JobResults {
 public:
  explicit ResultsOnTheWay(JobResults& upstream) : upstream_(upstream) {}

  // The same device, number, secret check and content again: waits for the first. Too many that
  // wait for one number are answered Unavailable.
  void AddJobResult(JobResult result, ResultDone done) override;

 private:
  // The secret check stands in the key so that nobody joins the wait of a router that he isn't.
  using Key = std::pair<std::pair<DeviceId, uint64_t>, std::string>;
  // One content of a number's results.
  struct OnTheWay {
    std::string digest;
    std::vector<ResultDone> waiting;
  };

  // True where the result has to go up; `done` is taken unless too many wait.
  bool Join(const Key& key, const std::string& digest, ResultDone& done);
  void Finish(const Key& key, const std::string& digest, const absl::Status& status);

  JobResults& upstream_;
  Mutex mutex_;
  absl::flat_hash_map<Key, std::vector<OnTheWay>> on_the_way_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
