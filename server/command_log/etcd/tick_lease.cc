#include "server/command_log/etcd/tick_lease.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "server/command_log/etcd/log_keys.h"

namespace muster::server {
namespace {

constexpr absl::Duration kTurn = absl::Milliseconds(400);
// The duty ends here before another node can have it, also where the answer took its time.
constexpr absl::Duration kSafety = absl::Milliseconds(500);
// Shorter than the lease, so that one slow member doesn't cost it.
constexpr absl::Duration kCall = absl::Seconds(1);

}  // namespace

TickLease::TickLease(Etcd& etcd, const EtcdLogOptions& options, const Clock& clock,
                     std::function<bool()> may_hold)
    : etcd_(etcd),
      options_(options),
      clock_(clock),
      may_hold_(std::move(may_hold)),
      thread_([this] { Run(); }) {}

bool TickLease::IsMine() const {
  MutexLock lock(mutex_);
  return clock_.Monotonic() < mine_until_;
}

void TickLease::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void TickLease::Run() {
  for (;;) {
    if (!may_hold_()) {
      GiveUp();
    } else if (lease_ == 0) {
      TryToTake();
    } else {
      Renew();
    }
    MutexLock lock(mutex_);
    if (!stopping_) changed_.WaitFor(mutex_, kTurn);
    if (stopping_) break;
  }
  GiveUp();
}

void TickLease::TryToTake() {
  const std::string key = TickKey(options_);
  const absl::StatusOr<EtcdAnswer> held = etcd_.Get({key, 0, true}, kCall);
  if (!held.ok() || held->kv.has_value()) return;
  const absl::Duration asked = clock_.Monotonic();
  const absl::StatusOr<int64_t> lease = etcd_.GrantLease(kLife, kCall);
  if (!lease.ok()) return;
  const auto before = etcd_.PutIfAbsent(key, absl::StrCat(options_.node_id), *lease, kCall);
  if (!before.ok() || before->has_value()) {
    // Where the outcome is open the key goes with the lease, and another attempt follows.
    etcd_.RevokeLease(*lease, kCall).IgnoreError();
    return;
  }
  lease_ = *lease;
  LogInfo("command_log", "this node brings time into the log");
  MutexLock lock(mutex_);
  mine_until_ = asked + kLife - kSafety;
}

void TickLease::Renew() {
  const absl::Duration asked = clock_.Monotonic();
  const absl::Status kept = etcd_.KeepLease(lease_, kCall);
  if (kept.ok()) {
    MutexLock lock(mutex_);
    mine_until_ = asked + kLife - kSafety;
    return;
  }
  // Without an answer it is tried again; the duty has ended here by then if it takes too long.
  if (IsMine() && !absl::IsNotFound(kept)) return;
  LogInfo("command_log", "this node no longer brings time into the log",
          {{"why", std::string(kept.message())}});
  GiveUp();
}

void TickLease::GiveUp() {
  {
    MutexLock lock(mutex_);
    mine_until_ = -absl::InfiniteDuration();
  }
  if (lease_ == 0) return;
  etcd_.RevokeLease(std::exchange(lease_, 0), kCall).IgnoreError();
}

}  // namespace muster::server
