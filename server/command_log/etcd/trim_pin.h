// Holds back the trimming of the log while a node brings itself up to date: a key of its own below
// `muster/pins/`, under a lease, for which the trimmers of all nodes look (EtcdTrimmer).
//
// Threads:  one of its own, which renews.
// Owns:     the thread and the lease; all that is passed in must outlive it.
// Blocks:   the constructor and the end, for as long as etcd takes to answer; some seconds at most.
// Units:    a node that dies holds nothing back after kLife.
// Errors:   etcd that can't be reached: tried again at each turn.
// Example:  trim_pin_test.cc.
#pragma once

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"

namespace muster::server {

class TrimPin {
 public:
  static constexpr absl::Duration kLife = absl::Seconds(30);

  // Holds from here on, where etcd answers. Renewed each `turn`.
  TrimPin(Etcd& etcd, const EtcdLogOptions& options, absl::Duration turn = kLife / 6);
  ~TrimPin();
  TrimPin(const TrimPin&) = delete;
  TrimPin& operator=(const TrimPin&) = delete;

 private:
  void Run();
  void Take();
  void Renew();

  Etcd& etcd_;
  const EtcdLogOptions& options_;
  const absl::Duration turn_;
  // The thread's, and the constructor's before it; 0: none.
  int64_t lease_ = 0;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
