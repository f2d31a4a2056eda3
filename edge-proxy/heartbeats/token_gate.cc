// From the text behind "Bearer" to a caller: seal, revocation, secret, in this order, so that each
// step is only paid for by who passed the one before.
#include "edge-proxy/heartbeats/token_gate.h"

#include <utility>

namespace muster::edge {

std::shared_ptr<const Trust> TokenGate::trust() const {
  // The clock is asked outside of the lock.
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  // Monotonic: setting the machine's clock neither opens nor closes the gate.
  return now - fresh_at_ > max_stale_ ? nullptr : trust_;
}

void TokenGate::MarkFresh() {
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  fresh_at_ = now;
}

void TokenGate::SetTrust(Trust trust) {
  // Made before the lock is taken: callers of Admit wait for a pointer's copy only.
  auto shared = std::make_shared<const Trust>(std::move(trust));
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  fresh_at_ = now;
  trust_ = std::move(shared);
}

void TokenGate::SetInterval(uint32_t interval_seconds) {
  MutexLock lock(mutex_);
  if (trust_ == nullptr) return;
  Trust changed = *trust_;
  changed.interval_seconds = interval_seconds;
  trust_ = std::make_shared<const Trust>(std::move(changed));
}

absl::StatusOr<Caller> TokenGate::Admit(absl::string_view token, DeviceId* sealed_device) const {
  const std::shared_ptr<const Trust> trust = this->trust();
  if (trust == nullptr) {
    return absl::UnavailableError("the edge has not heard from the control plane");
  }
  const absl::StatusOr<routeros::TokenContents> contents =
      routeros::OpenToken(trust->token_keys, trust->cluster_id, token);
  if (!contents.ok()) {
    // Not logged: a flood of forged tokens would fill the disk.
    metrics_.Count(Metrics::kForgedTokens);
    return absl::UnauthenticatedError("unknown token");
  }
  // From here on the seal is ours, so the device may be named in what is remembered.
  if (sealed_device != nullptr) *sealed_device = contents->device;
  Caller caller;
  caller.device = contents->device;
  caller.secret_check = routeros::SecretCheck(trust->secret_check_key, contents->secret);
  const DeviceTable::Judgement judgement = devices_.Judge(contents->device, contents->organization,
                                                          contents->epoch, caller.secret_check);
  if (judgement.standing == Standing::kRevoked) {
    metrics_.Count(Metrics::kRevokedTokens);
    return absl::UnauthenticatedError("revoked token");
  }
  if (judgement.standing == Standing::kWrongSecret) {
    metrics_.Count(Metrics::kWrongSecrets);
    return absl::UnauthenticatedError("wrong secret");
  }
  // kUnknown passes: the device may have joined at another edge a moment ago.
  caller.known = judgement.standing == Standing::kKnown;
  caller.monitor_only = judgement.monitor_only;
  caller.code_page = judgement.code_page;
  caller.released = judgement.released;
  caller.interval_seconds =
      judgement.interval_seconds != 0 ? judgement.interval_seconds : trust->interval_seconds;
  return caller;
}

}  // namespace muster::edge
