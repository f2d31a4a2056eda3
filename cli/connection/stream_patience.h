// How long a lost stream is begun anew: what all watches of this program have in common.
//
// A server that was never reached is given up as soon as with any call; one that was heard may be
// restarting and gets a minute. The minute counts from the last sign of it, which is a message or
// the end of a stream that had lasted: a watch may be quiet for hours and must not be given up at
// the first restart for that.
//
// Threads:  not safe.
// Units:    real time, given by the caller, so that a test needs no clock.
// Example:  stream_patience_test.cc.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/time/time.h"

namespace muster::cli {

// True where the server has no use for the resume token that came with the call (the control plane
// was restored, say): begin anew without it.
bool RefusesResumeToken(const grpc::Status& status);

class StreamPatience {
 public:
  // `retry_for` is what a server that was never heard gets.
  StreamPatience(absl::Duration retry_for, absl::Time now);

  // A stream begins.
  void Begin(absl::Time now) { begun_ = now; }
  // It brought a message.
  void Hear(absl::Time now);
  // It has ended with `status`, which is not ok. True where it is worth beginning again.
  bool TryAgain(const grpc::Status& status, absl::Time now);

 private:
  absl::Duration patience_;
  absl::Time begun_;
  absl::Time last_sign_;
  bool heard_ = false;
};

}  // namespace muster::cli
