// Before a node says of a key, a claim or an edge that there is none, it makes sure that no other
// node has made one meanwhile: one read barrier, for all who ask while it is on its way.
//
// A flood of bad keys costs one barrier after the other, with a pause between them, however many
// come: who asks above the limit is told at once that there was no look.
//
// Threads:  safe to call from any thread; callbacks come on one thread and must not block.
// Owns:     that thread; the log must outlive it. Destruction answers who waits with false.
// Blocks:   Wait, up to a second; Ask never.
// Example:  second_look_test.cc.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"

namespace muster::server {

class SecondLook {
 public:
  // True where this node now shows all that any node had answered before the question.
  using Done = std::function<void(bool fresh)>;

  // So many may wait at once.
  static constexpr size_t kMostWaiting = 64;

  explicit SecondLook(CommandLog& log);
  ~SecondLook();
  SecondLook(const SecondLook&) = delete;
  SecondLook& operator=(const SecondLook&) = delete;

  // `done` is called exactly once, possibly before Ask returns.
  void Ask(Done done);
  // The same, waiting. Not from a callback of this object or of the log.
  bool Wait();

 private:
  void Run();

  CommandLog& log_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mutex_);
  // Told when the barrier that is under way has ended.
  size_t under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
