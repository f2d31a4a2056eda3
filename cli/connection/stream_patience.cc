#include "cli/connection/stream_patience.h"

#include <algorithm>

#include "cli/connection/rpc_status.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kAfterHearing = absl::Minutes(1);
// A stream that was open for longer was a stream; one that ends sooner was refused.
constexpr absl::Duration kLasting = absl::Seconds(5);

}  // namespace

bool RefusesResumeToken(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::OUT_OF_RANGE ||
         status.error_code() == grpc::StatusCode::INVALID_ARGUMENT;
}

StreamPatience::StreamPatience(absl::Duration retry_for, absl::Time now)
    : patience_(retry_for), begun_(now), last_sign_(now) {}

void StreamPatience::Hear(absl::Time now) {
  heard_ = true;
  patience_ = std::max(patience_, kAfterHearing);
  last_sign_ = now;
}

bool StreamPatience::TryAgain(const grpc::Status& status, absl::Time now) {
  // An attempt to connect may take as long as a stream that lasted, and is no sign of anybody.
  if (heard_ && !NeverReached(status) && now - begun_ >= kLasting) last_sign_ = now;
  // A control plane that stops may cut the stream before its farewell is sent: CANCELLED then.
  const bool lost = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                    status.error_code() == grpc::StatusCode::CANCELLED;
  return lost && !IsTlsFailure(status) && now - last_sign_ < patience_;
}

}  // namespace muster::cli
