#include "server/command_log/etcd/log_marks.h"

namespace muster::server {
namespace {

// A mark also ends here, so that many entries within one second of state time can go apart.
constexpr uint64_t kMarkBytes = uint64_t{4} << 20;

}  // namespace

void LogMarks::Add(int64_t revision, uint64_t bytes, int64_t state_time_us) {
  MutexLock lock(mutex_);
  bytes_ += bytes;
  if (!marks_.empty() && marks_.back().state_time_us == state_time_us &&
      marks_.back().bytes < kMarkBytes) {
    marks_.back().last_revision = revision;
    marks_.back().bytes += bytes;
    return;
  }
  marks_.push_back({revision, state_time_us, bytes});
}

int64_t LogMarks::TakeCut(uint64_t max_bytes, absl::Duration max_age) {
  MutexLock lock(mutex_);
  int64_t cut = 0;
  while (marks_.size() > 1) {
    const int64_t oldest = marks_.back().state_time_us - absl::ToInt64Microseconds(max_age);
    if (bytes_ <= max_bytes && marks_.front().state_time_us >= oldest) break;
    cut = marks_.front().last_revision;
    bytes_ -= marks_.front().bytes;
    marks_.pop_front();
  }
  return cut;
}

}  // namespace muster::server
