// Copies of one result wait for the first instead of going up beside it.
#include "edge-proxy/jobs/job_results.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/secrets/secrets.h"

namespace muster::edge {
namespace {

// Callers that may wait for one number; the router repeats while the control plane is away.
constexpr size_t kMostWaiting = 8;

// Of what counts for "the same result"; the lengths keep its parts apart.
// A hash, so that 16 KiB of output are kept once, in the queue, and not here again.
std::string DigestOf(const routeros::JobReport& report) {
  return Hash256(absl::StrCat(static_cast<int>(report.status), " ", report.cut, " ",
                              report.phase.size(), " ", report.output.size(), " ", report.phase,
                              report.output, report.error));
}

}  // namespace

bool ResultsOnTheWay::Join(const Key& key, const std::string& digest, ResultDone& done) {
  MutexLock lock(mutex_);
  std::vector<OnTheWay>& contents = on_the_way_[key];
  const size_t waiting = std::accumulate(
      contents.begin(), contents.end(), size_t{0},
      [](size_t sum, const OnTheWay& content) { return sum + content.waiting.size(); });
  // `done` stays with the caller, which is how AddJobResult knows that it was not taken.
  if (waiting >= kMostWaiting) return false;
  const auto same = std::find_if(contents.begin(), contents.end(),
                                 [&](const OnTheWay& content) { return content.digest == digest; });
  if (same != contents.end()) {
    same->waiting.push_back(std::exchange(done, nullptr));
    return false;
  }
  // Another content goes up as well: which one counts is decided where both are known.
  OnTheWay& fresh = contents.emplace_back(OnTheWay{.digest = digest});
  fresh.waiting.push_back(std::exchange(done, nullptr));
  return true;
}

void ResultsOnTheWay::AddJobResult(JobResult result, ResultDone done) {
  const Key key = {{result.device, result.report.number}, result.secret_check};
  const std::string digest = DigestOf(result.report);
  const bool goes_up = Join(key, digest, done);
  if (done != nullptr) return done(absl::UnavailableError("the result is on its way"));
  if (!goes_up) return;
  // Outside of the lock, since upstream may answer at once.
  upstream_.AddJobResult(std::move(result), [this, key, digest](const absl::Status& status) {
    Finish(key, digest, status);
  });
}

void ResultsOnTheWay::Finish(const Key& key, const std::string& digest,
                             const absl::Status& status) {
  std::vector<ResultDone> waiting;
  {
    MutexLock lock(mutex_);
    const auto found = on_the_way_.find(key);
    if (found == on_the_way_.end()) return;
    std::vector<OnTheWay>& contents = found->second;
    const auto content =
        std::find_if(contents.begin(), contents.end(),
                     [&](const OnTheWay& candidate) { return candidate.digest == digest; });
    if (content == contents.end()) return;
    // Taken out before anyone is called: a caller may post again from within.
    waiting = std::move(content->waiting);
    contents.erase(content);
    if (contents.empty()) on_the_way_.erase(found);
  }
  for (const ResultDone& done : waiting) done(status);
}

}  // namespace muster::edge
