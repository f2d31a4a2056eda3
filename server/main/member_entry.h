// Writes this node into the member table once it serves, and its new name or key where that
// changed.
//
// Threads:  one of its own, which ends when it is written there; Stop from any.
// Owns:     the thread; what it is given must outlive it.
// Units:    looks each kLook: an older cluster takes members only after `cluster upgrade finalize`.
// Example:  tests/end_to_end/test_members.py.
#pragma once

#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "server/command_log/log/command_log.h"
#include "server/state/state.h"

namespace muster::server {

class MemberEntry {
 public:
  static constexpr absl::Duration kLook = absl::Seconds(1);

  // `public_key`: what new master keys are sealed for.
  MemberEntry(CommandLog& log, const State& state, uint64_t node_id, std::string display_name,
              std::string public_key);
  ~MemberEntry() { Stop(); }

  void Stop();

 private:
  void Run();
  // True: it stands there, or was removed. False: not now.
  bool Write();

  CommandLog& log_;
  const State& state_;
  const uint64_t node_id_;
  const std::string display_name_;
  const std::string public_key_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace muster::server
