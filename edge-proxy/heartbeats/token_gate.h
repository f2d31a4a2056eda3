// Who speaks: opens the token of a call and compares its secret with the device's record.
//
// A token that was not sealed here, is revoked, or carries another secret than the device's has no
// effect at all. One of a device without a record may be heard: its items go upstream with their
// secret check, and the control plane decides.
//
// The gate closes by itself when nothing is heard from the control plane for too long: an edge that
// was cut off can't know what was revoked since.
// Threads:  safe to call from any thread.
// Owns:     nothing; `devices` and `metrics` must outlive this object.
// Errors:   Unauthenticated for a token that may not be heard; Unavailable before the control plane
//           has given the keys, and when it has been silent for too long.
// Example:  calls_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/ids/ids.h"
#include "common/sync/mutex.h"
#include "edge-proxy/heartbeats/device_table.h"
#include "edge-proxy/heartbeats/metrics.h"
#include "routeros/token/token.h"

namespace muster::edge {

// What Welcome brings.
// Replaced as a whole, so that a call never sees the keys of one Welcome with the check key of
// another.
struct Trust {
  std::string cluster_id;
  std::vector<routeros::TokenKey> token_keys;
  // Random per edge: a check that leaks from one edge proves nothing at another.
  // 32 bytes, of this edge alone.
  Secret secret_check_key;
  // For devices whose record names none.
  uint32_t interval_seconds = 30;
};

// Who a call is from. Its secret has been compared only where `known` is true: nothing that changes
// or reveals anything may follow from another one.
struct Caller {
  DeviceId device;
  // What goes up with each item of this caller. Never log it.
  // 16 bytes.
  std::string secret_check;
  // False: the control plane checks the secret.
  bool known = false;
  bool monitor_only = false;
  uint32_t interval_seconds = 30;
  routeros::CodePage code_page = routeros::CodePage::kNone;
  // It is to remove the agent.
  bool released = false;
};

class TokenGate {
 public:
  // Without a word from the control plane for longer than `max_stale` nobody is admitted: keys and
  // revocations could be too old. `clock` must outlive this object.
  TokenGate(DeviceTable& devices, Metrics& metrics, const Clock& clock,
            absl::Duration max_stale = absl::Hours(24))
      : devices_(devices), metrics_(metrics), clock_(clock), max_stale_(max_stale) {}

  // Replaces what is trusted; calls that are being heard finish with what they began with. Counts
  // as MarkFresh.
  void SetTrust(Trust trust);
  // Changes what devices without an interval of their own are told; nothing before the first
  // Welcome.
  void SetInterval(uint32_t interval_seconds);
  // The control plane has spoken: what is held is true now.
  void MarkFresh();
  // Trust is there and not stale.
  bool ready() const { return trust() != nullptr; }

  // Cheap for strangers: a text of another length or spelling is refused before anything is
  // decrypted, and opening a seal takes 0.2 us (measured). Which of the reasons it was stands in
  // the metrics, and in the reply, which only the bearer of a sealed token can tell apart.
  // `sealed_device`, where given, becomes the device of a token that was sealed here, also where
  // it is not admitted.
  absl::StatusOr<Caller> Admit(absl::string_view token, DeviceId* sealed_device = nullptr) const;

 private:
  // Shared with the calls that are looking at it while a new one comes; nullptr where there is none
  // or it is stale.
  std::shared_ptr<const Trust> trust() const;

  DeviceTable& devices_;
  Metrics& metrics_;
  const Clock& clock_;
  const absl::Duration max_stale_;
  mutable Mutex mutex_;
  std::shared_ptr<const Trust> trust_ ABSL_GUARDED_BY(mutex_);
  absl::Duration fresh_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
