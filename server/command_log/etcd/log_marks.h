// Remembers where entries lie in etcd, by age and size, and says what may be forgotten.
//
// Threads:  safe to call from any thread.
// Units:    state time in microseconds.
// Example:  log_marks_test.cc.
#pragma once

#include <cstdint>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace muster::server {

class LogMarks {
 public:
  // An entry of `bytes` at `revision` was applied.
  void Add(int64_t revision, uint64_t bytes, int64_t state_time_us);

  // The revision up to which entries may go, so that neither more than `max_bytes` nor what is
  // older than `max_age` stays, and forgets it; 0: none. Never the last entry.
  int64_t TakeCut(uint64_t max_bytes, absl::Duration max_age);

 private:
  // A second of entries.
  struct Mark {
    int64_t last_revision = 0;
    int64_t state_time_us = 0;
    uint64_t bytes = 0;
  };

  Mutex mutex_;
  std::deque<Mark> marks_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::server
