// Keeps the write-ahead log of the state's database short while an engine writes.
//
// A thread moves the bulk; the writer moves the few pages that came meanwhile, between two of its
// transactions, since only there is it sure to catch up (DESIGN.md of server/command_log/log).
//
// Threads:  Care from the thread of the transactions, Stop from any.
// Owns:     a thread; `store` must outlive it.
// Example:  local_log.cc.
#pragma once

#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/store.h"

namespace muster::server {

class Checkpointer {
 public:
  explicit Checkpointer(Store& store);
  ~Checkpointer();

  // After each commit: asks for a checkpoint where one is due, or finishes one.
  void Care();

  // Ends the thread. Repeating is harmless.
  void Stop();

 private:
  void Run();

  Store& store_;
  Mutex mutex_;
  ConditionVariable asked_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool to_finish_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
