// Which of the nodes ticks: the one whose lease holds the key `muster/tick`.
//
// Threads:  one of its own; IsMine from any.
// Owns:     the thread; all that is passed in must outlive it.
// Units:    a node that dies is followed by another within kLife and half a second.
// Errors:   etcd that can't be reached: the duty ends here before the lease does there.
// Example:  tick_lease_test.cc.
#pragma once

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/clock/clock.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/node/tick_duty.h"

namespace muster::server {

class TickLease : public TickDuty {
 public:
  // Etcd grants no less than its election timeout and a half (2 s as it is delivered).
  static constexpr absl::Duration kLife = absl::Seconds(3);

  // `may_hold` is asked before each attempt and each renewal: false gives the duty up.
  TickLease(Etcd& etcd, const EtcdLogOptions& options, const Clock& clock,
            std::function<bool()> may_hold);
  ~TickLease() override { Stop(); }

  bool IsMine() const override;

  // Gives the duty up, so that another node need not wait for the lease's end. Repeating does
  // nothing.
  void Stop();

 private:
  void Run();
  void TryToTake();
  void Renew();
  void GiveUp();

  Etcd& etcd_;
  const EtcdLogOptions& options_;
  const Clock& clock_;
  const std::function<bool()> may_hold_;
  // Of the thread: the lease under which the key was put; 0: none.
  int64_t lease_ = 0;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  // By the monotonic clock.
  absl::Duration mine_until_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
