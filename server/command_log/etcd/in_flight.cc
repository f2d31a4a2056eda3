#include "server/command_log/etcd/in_flight.h"

#include <algorithm>
#include <utility>

#include "common/sync/deadline.h"

namespace muster::server {

uint64_t InFlight::NextCounter() {
  MutexLock lock(mutex_);
  return ++counter_;
}

void InFlight::RaiseCounter(uint64_t counter) {
  MutexLock lock(mutex_);
  counter_ = std::max(counter_, counter);
}

void InFlight::Begin(std::string digest, Proposals proposals) {
  MutexLock lock(mutex_);
  digest_ = std::move(digest);
  proposals_ = std::move(proposals);
  claimed_ = false;
  fate_ = Fate::kOpen;
}

InFlight::Fate InFlight::Wait(absl::Duration timeout) {
  const Deadline deadline(timeout);
  MutexLock lock(mutex_);
  while (fate_ == Fate::kOpen) {
    const absl::Duration left = deadline.Left();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, left);
  }
  return fate_;
}

std::optional<Proposals> InFlight::TakeBack() {
  MutexLock lock(mutex_);
  while (claimed_) changed_.Wait(mutex_);
  digest_.clear();
  return std::exchange(proposals_, std::nullopt);
}

std::optional<Proposals> InFlight::Claim(absl::string_view digest) {
  MutexLock lock(mutex_);
  if (!proposals_.has_value() || digest_ != digest) return std::nullopt;
  claimed_ = true;
  return std::exchange(proposals_, std::nullopt);
}

void InFlight::Settle(Fate fate, Proposals proposals) {
  MutexLock lock(mutex_);
  claimed_ = false;
  fate_ = fate;
  if (fate == Fate::kPassedOver) proposals_ = std::move(proposals);
  changed_.NotifyAll();
}

}  // namespace muster::server
