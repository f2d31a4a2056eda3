// Lets etcd forget old entries, unless a node that joins needs them, and watches how full it is.
//
// Threads:  one of its own; Pressure from any.
// Owns:     the thread; all that is passed in must outlive it.
// Errors:   logged, tried again at the next turn.
// Example:  etcd_log_faults_test.cc.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/sync/mutex.h"
#include "server/command_log/etcd/etcd.h"
#include "server/command_log/etcd/etcd_log.h"
#include "server/command_log/etcd/log_marks.h"

namespace muster::server {

// How full etcd is, in use, of its quota.
enum class EtcdPressure : uint8_t {
  kNone,
  // From 60 % on: less is kept for nodes that come late, and none holds it back any more.
  kTrimHarder,
  // From 80 % on: no check-ins.
  kNoCheckIns,
  // From 95 % on, or where etcd has raised an alarm: no new jobs either.
  kNoJobs,
};

class EtcdTrimmer {
 public:
  EtcdTrimmer(Etcd& etcd, const EtcdLogOptions& options, LogMarks& marks, EtcdLogCounts& counts);
  ~EtcdTrimmer() { Stop(); }

  // Ok, or ResourceExhausted for what etcd has no room for.
  absl::Status Admit(const Command& command) const;

  void Stop();

 private:
  void Run();
  void Look();
  // A node brings itself up to date, and needs what is there now.
  bool IsHeldBack();
  void Trim();

  Etcd& etcd_;
  const EtcdLogOptions& options_;
  LogMarks& marks_;
  EtcdLogCounts& counts_;
  std::atomic<EtcdPressure> pressure_ = EtcdPressure::kNone;
  // The thread's.
  bool was_held_back_ = false;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
