// Keeps maintenance windows supplied with later intervals: apply knows no time zones.
//
// Threads:  one of its own.
// Owns:     nothing; `book` must outlive it.
// Units:    looks at the start and once an hour.
#pragma once

#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/jobs/window_book.h"

namespace muster::server {

class WindowKeeper {
 public:
  explicit WindowKeeper(WindowBook& book);
  ~WindowKeeper();

  // Ends the thread. Must be called before the log stops. Repeating is harmless.
  void Stop();

 private:
  void Run();

  WindowBook& book_;
  Mutex mutex_;
  ConditionVariable woken_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
