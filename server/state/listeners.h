// Who hears of changes.
//
// Threads:  Tell from the log's writer thread; Add and the end of a subscription from any thread,
//           and not from inside a listener.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"
#include "server/state/changes.h"

namespace muster::server {

class Listeners {
 public:
  // Calls each listener in order of subscription; returns when all have returned.
  void Tell(const ChangeBatch& changes) {
    // Held while they run: a subscription that has ended is not called any more.
    MutexLock lock(mutex_);
    for (const auto& [number, listener] : listeners_) listener(changes);
  }

  // Shared, because a subscription may outlive the state.
  // The first call is for the next entry.
  static std::unique_ptr<Subscription> Add(const std::shared_ptr<Listeners>& to,
                                           ChangeListener listener) {
    MutexLock lock(to->mutex_);
    const uint64_t number = ++to->last_;
    to->listeners_[number] = std::move(listener);
    return std::make_unique<Listening>(to, number);
  }

 private:
  class Listening : public Subscription {
   public:
    Listening(std::shared_ptr<Listeners> to, uint64_t number)
        : to_(std::move(to)), number_(number) {}
    ~Listening() override {
      MutexLock lock(to_->mutex_);
      to_->listeners_.erase(number_);
    }

   private:
    std::shared_ptr<Listeners> to_;
    const uint64_t number_;
  };

  Mutex mutex_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, ChangeListener> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::server
