#include "server/command_log/etcd/read_barrier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {

EtcdReadBarrier::EtcdReadBarrier(Etcd& etcd, const EtcdLogOptions& options, const LogBase& base,
                                 AppliedMark& applied, EtcdLogCounts& counts)
    : etcd_(etcd),
      key_(LogKey(options)),
      call_timeout_(options.call_timeout),
      base_(base),
      applied_(applied),
      counts_(counts),
      thread_([this] { Run(); }) {}

absl::Status EtcdReadBarrier::Wait(absl::Duration timeout) {
  const Deadline deadline(timeout);
  uint64_t index = 0;
  {
    MutexLock lock(mutex_);
    const uint64_t mine = asked_ + 1;
    wanted_ = std::max(wanted_, mine);
    ++counts_.barriers;
    changed_.NotifyAll();
    while (answered_ < mine && !stopping_) {
      const absl::Duration left = deadline.Left();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError("etcd did not say in time how long the log is");
      }
      changed_.WaitFor(mutex_, left);
    }
    if (stopping_) return absl::UnavailableError("the control plane is stopping");
    // A later answer covers more.
    if (!answer_.ok()) return answer_.status();
    index = *answer_;
  }
  return applied_.Wait({applied_.Get().log_id, index}, deadline.Left());
}

void EtcdReadBarrier::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void EtcdReadBarrier::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (asked_ >= wanted_ && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      ++asked_;
    }
    absl::StatusOr<uint64_t> answer = AskIndex();
    MutexLock lock(mutex_);
    answer_ = std::move(answer);
    answered_ = asked_;
    changed_.NotifyAll();
  }
}

absl::StatusOr<uint64_t> EtcdReadBarrier::AskIndex() {
  ++counts_.barrier_questions;
  const uint64_t applied = applied_.Get().index;
  const absl::StatusOr<EtcdAnswer> answer = etcd_.Get({key_, 0, true}, call_timeout_);
  if (!answer.ok()) {
    return absl::UnavailableError(answer.status().message());
  }
  if (!base_.Get().has_value()) {
    return absl::UnavailableError("this node has not looked at its etcd yet");
  }
  const uint64_t index = base_.IndexOf(answer->kv.has_value() ? answer->kv->version : 0);
  // An older etcd was put in place of the one that is followed, and the watch has not noticed yet:
  // what it lacks may be what another node has answered.
  if (index < applied) {
    return absl::UnavailableError(
        absl::StrCat("etcd ends at entry ", index, ", this node has applied ", applied));
  }
  return index;
}

}  // namespace muster::server
