#include "server/command_log/etcd/trim_pin.h"

#include "absl/strings/str_cat.h"
#include "common/sync/deadline.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {

TrimPin::TrimPin(Etcd& etcd, const EtcdLogOptions& options, absl::Duration turn)
    : etcd_(etcd), options_(options), turn_(turn) {
  Take();
  thread_ = std::thread([this] { Run(); });
}

TrimPin::~TrimPin() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
  // Where that is not heard it ends with its life.
  if (lease_ != 0) etcd_.RevokeLease(lease_, options_.call_timeout).IgnoreError();
}

void TrimPin::Run() {
  for (;;) {
    {
      const Deadline next(turn_);
      MutexLock lock(mutex_);
      while (!stopping_ && !next.HasPassed()) changed_.WaitFor(mutex_, next.Left());
      if (stopping_) return;
    }
    Renew();
  }
}

void TrimPin::Take() {
  const absl::StatusOr<int64_t> lease = etcd_.GrantLease(kLife, options_.call_timeout);
  if (!lease.ok()) return;
  // A key for each lease: what is left of an earlier start of this node ends on its own.
  const auto before =
      etcd_.PutIfAbsent(absl::StrCat(PinsKey(options_), *lease), absl::StrCat(options_.node_id),
                        *lease, options_.call_timeout);
  if (before.ok() && !before->has_value()) {
    lease_ = *lease;
  } else {
    etcd_.RevokeLease(*lease, options_.call_timeout).IgnoreError();
  }
}

void TrimPin::Renew() {
  // Without an answer it may live yet.
  if (lease_ != 0 && absl::IsNotFound(etcd_.KeepLease(lease_, options_.call_timeout))) lease_ = 0;
  if (lease_ == 0) Take();
}

}  // namespace muster::server
