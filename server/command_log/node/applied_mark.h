// How far this node has applied, and waiting for it.
//
// Threads:  safe to call from any thread.
// Example:  contract_test_suite.h.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

class AppliedMark {
 public:
  explicit AppliedMark(Position position) : position_(std::move(position)) {}

  void Set(const Position& position);
  Position Get() const;

  // As CommandLog::WaitUntilApplied.
  absl::Status Wait(const Position& position, absl::Duration timeout);

 private:
  mutable Mutex mutex_;
  ConditionVariable changed_;
  Position position_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
