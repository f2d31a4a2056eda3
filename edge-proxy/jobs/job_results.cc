#include "edge-proxy/jobs/job_results.h"

#include <string>

namespace muster::edge {
namespace {

// Callers that may wait for one result; the router repeats while the control plane is away.
constexpr size_t kMostWaiting = 8;

}  // namespace

void ResultsOnTheWay::AddJobResult(JobResult result, ResultDone done) {
  const Key key = {{result.device, result.report.number}, result.secret_check};
  {
    MutexLock lock(mutex_);
    std::vector<ResultDone>& waiting = waiting_[key];
    if (waiting.size() < kMostWaiting) {
      waiting.push_back(std::move(done));
      if (waiting.size() > 1) return;
    }
  }
  if (done != nullptr) {
    done(absl::UnavailableError("the result is on its way"));
    return;
  }
  upstream_.AddJobResult(std::move(result),
                         [this, key](const absl::Status& status) { Finish(key, status); });
}

void ResultsOnTheWay::Finish(const Key& key, const absl::Status& status) {
  std::vector<ResultDone> waiting;
  {
    MutexLock lock(mutex_);
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return;
    waiting = std::move(found->second);
    waiting_.erase(found);
  }
  for (const ResultDone& done : waiting) done(status);
}

}  // namespace muster::edge
