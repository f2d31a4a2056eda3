// Linearizable reads: one question to etcd answers all who wait when it is asked.
//
// Threads:  safe to call from any thread; one of its own asks.
// Owns:     the thread; all that is passed in must outlive it.
// Errors:   as CommandLog::ReadBarrier.
// Example:  read_barrier_test.cc; etcd_log_test.cc.
#pragma once

#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/log_base.h"
#include "server/command_log/node/applied_mark.h"

namespace muster::server {

class EtcdReadBarrier {
 public:
  EtcdReadBarrier(Etcd& etcd, const EtcdLogOptions& options, const LogBase& base,
                  AppliedMark& applied, EtcdLogCounts& counts);
  ~EtcdReadBarrier() { Stop(); }

  absl::Status Wait(absl::Duration timeout);
  // Answers those who wait with Unavailable.
  void Stop();

 private:
  void Run();
  absl::StatusOr<uint64_t> AskIndex();

  Etcd& etcd_;
  const std::string key_;
  const absl::Duration call_timeout_;
  const LogBase& base_;
  AppliedMark& applied_;
  EtcdLogCounts& counts_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Questions are numbered. Who comes gets the next one that is not asked yet.
  uint64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::StatusOr<uint64_t> answer_ ABSL_GUARDED_BY(mutex_) = uint64_t{0};
  std::thread thread_;
};

}  // namespace muster::server
