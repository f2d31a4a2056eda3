// Where the writer, which puts an entry into etcd, and the follower, which reads all entries back
// and applies them, meet: the one entry of this node that is on its way.
//
// Threads:  Begin, Wait and TakeBack from the writer, Claim and Settle from the follower;
//           NextCounter and RaiseCounter from either.
// Example:  etcd_log.cc.
#pragma once

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "server/command_log/node/proposal_queue.h"

namespace muster::server {

class InFlight {
 public:
  enum class Fate {
    // Nobody knows yet.
    kOpen,
    // Its proposers were answered.
    kApplied,
    // It came after a higher counter of this node, so that no node will ever take it.
    kPassedOver,
  };

  // Higher than all that this node has written.
  uint64_t NextCounter();
  // The follower saw this one.
  void RaiseCounter(uint64_t counter);

  // From now on the entry with this digest is on its way.
  void Begin(std::string digest, Proposals proposals);
  // Until its fate is known, `timeout` at most.
  Fate Wait(absl::Duration timeout);
  // Gives it up: its proposals, unless the follower is answering them.
  std::optional<Proposals> TakeBack();

  // The proposals, where the entry with this digest is the one on its way; Settle must follow.
  std::optional<Proposals> Claim(absl::string_view digest);
  // kApplied: they were answered. kPassedOver: they go back to the writer.
  void Settle(Fate fate, Proposals proposals);

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  uint64_t counter_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string digest_ ABSL_GUARDED_BY(mutex_);
  std::optional<Proposals> proposals_ ABSL_GUARDED_BY(mutex_);
  bool claimed_ ABSL_GUARDED_BY(mutex_) = false;
  Fate fate_ ABSL_GUARDED_BY(mutex_) = Fate::kOpen;
};

}  // namespace muster::server
