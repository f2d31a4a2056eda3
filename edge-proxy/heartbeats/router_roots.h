// Which router roots this edge knows: its own, which its leaves end in, and those that text for
// routers shall pin, as the control plane says.
//
// Threads:  safe to call from any thread.
// Example:  tests/edges; uplink/session_test.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/sync/mutex.h"

namespace muster::edge {

class RouterRoots {
 public:
  // PEM.
  explicit RouterRoots(std::string own) : own_(std::move(own)) {}

  void SetOwn(std::string own) {
    MutexLock lock(mutex_);
    own_ = std::move(own);
  }
  std::string Own() const {
    MutexLock lock(mutex_);
    return own_;
  }

  // The first is the one that leaves shall end in. None: a control plane that knows of one only.
  void SetTrusted(std::vector<std::string> trusted) {
    MutexLock lock(mutex_);
    trusted_ = std::move(trusted);
  }

  // True where the leaves end in another root than they shall.
  bool WantsOther() const {
    MutexLock lock(mutex_);
    return !trusted_.empty() && trusted_.front() != own_;
  }

  // What a text pins: this edge's own root, which its reader trusts already, and beside it the
  // other one that is trusted; "" where there is none.
  struct Pins {
    std::string own;
    std::string other;
  };
  Pins ForTexts() const {
    MutexLock lock(mutex_);
    Pins pins{own_, ""};
    for (const std::string& pem : trusted_) {
      if (pem != own_) pins.other = pem;
    }
    return pins;
  }

 private:
  mutable Mutex mutex_;
  std::string own_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> trusted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace muster::edge
